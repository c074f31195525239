// Writes values of a configuration as YAML, in block style, so that Document reads back exactly the same. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"

namespace shim::config {

// A scalar, an empty list or an empty block: what stands behind its key, on the key's line.
bool is_inline(const Node& node);
// REQUIRES: is_inline(node). `key` is the value's: texts of `auth` are quoted where other YAML libraries would read a
// number or a flag.
std::string emit_inline(std::string_view key, const Node& node);

// The lines of a list or block below its key, without line ends, indented by `indent` spaces. Members that are null are
// left out. REQUIRES: !is_inline(node).
std::vector<std::string> emit_lines(std::string_view key, const Node& node, int indent);

// `key: value`, on as many lines as it takes; a list stands at the indent of its key.
std::vector<std::string> emit_member(std::string_view key, const Node& node, int indent);

}  // namespace shim::config
