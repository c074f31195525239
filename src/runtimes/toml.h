// TOML files of the runtimes, read without exceptions.
#pragma once

#include <toml++/toml.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace shim::runtimes {

// Errors: line and reason.
Expected<toml::table> parse_toml(std::string_view text);

// The table at a path of keys; an empty one where there is none.
const toml::table& table_at(const toml::table& root, std::initializer_list<std::string_view> path);
// The value of a key; empty, or false, where it is absent or of another type.
std::string text_at(const toml::table& table, std::string_view key);
bool is_true_at(const toml::table& table, std::string_view key);
// A string, or an array of them; what is of another type is left out.
std::vector<std::string> texts_at(const toml::table& table, std::string_view key);

// `text` as a TOML string, with its quotes.
std::string toml_string(std::string_view text);

}  // namespace shim::runtimes
