// Replaces values in the text of a configuration file, each in its place, and adds keys; all else stays as it is. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/document.h"
#include "config/layout.h"

namespace shim::config {

class BlockEdit {
 public:
  // Both outlive this.
  BlockEdit(std::string_view text, const Layout& layout) : text_(text), layout_(layout) {}

  // Errors: a key that is written in a form that cannot be edited.
  Expected<void> replace(const Layout::Entry& entry, const Node& value);
  // At the end of the top level.
  void add(std::string_view key, const Node& value);
  // At the end of the block that is the value of `entry`.
  void add_within(const Layout::Entry& entry, std::string_view key, const Node& value);

  bool is_empty() const { return changes_.empty() && added_.empty(); }
  // Errors: an anchor in a replaced value that is used outside of one.
  Expected<std::string> apply() const;

 private:
  struct Change {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string content;
  };

  void change(std::size_t begin, std::size_t end, std::string content);
  Change lines_below(std::size_t at, const std::vector<std::string>& lines) const;
  void put_inline(const Layout::Entry& entry, const std::string& value);
  void put_lines(const Layout::Entry& entry, const std::vector<std::string>& lines);
  int indent_of(const Layout::Entry& entry, const Node& value) const;
  bool is_on_key_line(const Layout::Entry& entry) const;
  std::string_view line_break() const;
  Expected<void> check_anchors() const;

  std::string_view text_;
  const Layout& layout_;
  std::vector<Change> changes_;
  std::vector<Change> added_;  // at the end, behind all changes there
};

}  // namespace shim::config
