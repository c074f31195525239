#include "runtimes/toml.h"

#include <fmt/format.h>

namespace shim::runtimes {

Expected<toml::table> parse_toml(std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return fail(fmt::format("line {}: {}", error.source().begin.line, error.description()));
  }
}

const toml::table& table_at(const toml::table& root, std::initializer_list<std::string_view> path) {
  static const toml::table nothing;
  const toml::table* table = &root;
  for (const std::string_view key : path) {
    const toml::node* node = table->get(key);
    table = node != nullptr ? node->as_table() : nullptr;
    if (table == nullptr) return nothing;
  }
  return *table;
}

std::string text_at(const toml::table& table, std::string_view key) {
  return table[key].value_or(std::string());
}

bool is_true_at(const toml::table& table, std::string_view key) {
  return table[key].value_or(false);
}

std::vector<std::string> texts_at(const toml::table& table, std::string_view key) {
  if (const auto text = table[key].value<std::string>()) return {*text};
  std::vector<std::string> texts;
  const toml::array* array = table[key].as_array();
  if (array == nullptr) return texts;
  for (const toml::node& node : *array) {
    if (auto text = node.value<std::string>()) texts.push_back(std::move(*text));
  }
  return texts;
}

std::string toml_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char octet : text) {
    const auto byte = static_cast<unsigned char>(octet);
    if (octet == '"' || octet == '\\') {
      quoted += '\\';
      quoted += octet;
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += fmt::format("\\u{:04x}", byte);
    } else {
      quoted += octet;
    }
  }
  return quoted + '"';
}

}  // namespace shim::runtimes
