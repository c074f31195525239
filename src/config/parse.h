// From the text of a configuration file to a checked Config: pure, all errors at once.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"
#include "config/document.h"
#include "config/environment.h"

namespace shim::config {

class Overlay;

struct ParseResult {
  std::optional<Config> config;         // nothing exactly where `diagnostics` holds an error
  std::vector<Diagnostic> diagnostics;  // by line
};

// `file_name` is for the diagnostics only. Text of any kind and size is safe to pass; load() bounds it at 1 MiB.
// With an overlay, the keys that it sets have its values instead of the file's; of `cache`, each key for itself.
ParseResult parse(std::string_view text, std::string_view file_name, const Environment& environment,
                  const Overlay* overlay = nullptr);

// The same for a tree, without the notes.
ParseResult parse(const Node& root, std::string_view file_name, const Environment& environment);

// The path of each key that parse() looks for in this text, there or not, list entries with their number: of a block
// always, of the entries of a list for those that are there.
std::set<std::string> paths_read(std::string_view text);

}  // namespace shim::config
