#include "config/block_edit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/emit.h"
#include "config/encoding.h"
#include "config/scan.h"

namespace shim::config {

namespace {

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t") == std::string_view::npos;
}

}  // namespace

// As the file's first line ends.
std::string_view BlockEdit::line_break() const {
  const std::size_t end = line_end(text_, 0);
  return end < text_.size() && text_[end] == '\r' ? "\r\n" : "\n";
}

bool BlockEdit::is_on_key_line(const Layout::Entry& entry) const {
  return line_begin(text_, entry.value_begin) <= entry.begin;
}

void BlockEdit::change(std::size_t begin, std::size_t end, std::string content) {
  changes_.push_back({begin, end, std::move(content)});
}

// Below the line of `at`; a last line that does not end gets the break in front.
BlockEdit::Change BlockEdit::lines_below(std::size_t at, const std::vector<std::string>& lines) const {
  const std::string joined = fmt::format("{}", fmt::join(lines, line_break()));
  const std::string line_break(this->line_break());
  const std::size_t begin = next_line(text_, at);
  const bool has_break = begin > 0 && text_[begin - 1] == '\n';
  return {begin, begin, has_break ? joined + line_break : line_break + joined};
}

Expected<void> BlockEdit::replace(const Layout::Entry& entry, const Node& value) {
  if (entry.colon_end == 0) {
    return fail(
        fmt::format("line {}: the key {} has an anchor, a tag or an alias", line_at(text_, entry.begin), entry.key));
  }
  if (is_inline(value)) {
    put_inline(entry, emit_inline(entry.key, value));
  } else {
    put_lines(entry, emit_lines(entry.key, value, indent_of(entry, value)));
  }
  return {};
}

// That of the value that is there, where it has the same form.
int BlockEdit::indent_of(const Layout::Entry& entry, const Node& value) const {
  const bool is_list = value.kind == Node::Kind::list;
  const std::size_t usual = is_list ? entry.column : entry.column + 2;
  const Layout::Form form = is_list ? Layout::Form::list : Layout::Form::block;
  if (entry.form != form || is_on_key_line(entry)) return static_cast<int>(usual);
  return static_cast<int>(entry.value_begin - line_begin(text_, entry.value_begin));
}

void BlockEdit::put_inline(const Layout::Entry& entry, const std::string& value) {
  switch (entry.form) {
    case Layout::Form::nothing:
      return change(entry.colon_end, entry.colon_end, " " + value);
    case Layout::Form::flow:
      return change(entry.value_begin, entry.value_end, value);
    case Layout::Form::list:
    case Layout::Form::block:
      break;
  }
  if (is_on_key_line(entry)) return change(entry.colon_end, line_end(text_, entry.value_end), " " + value);
  change(entry.colon_end, entry.colon_end, " " + value);
  std::size_t begin = line_begin(text_, entry.value_begin);
  const std::size_t end = next_line(text_, entry.value_end);
  const bool has_break = text_[end - 1] == '\n';
  if (!has_break) begin = line_end(text_, line_begin(text_, begin - 1));  // the last line stays one without a break
  change(begin, end, "");
}

void BlockEdit::put_lines(const Layout::Entry& entry, const std::vector<std::string>& lines) {
  const std::string joined = fmt::format("{}", fmt::join(lines, line_break()));
  if (entry.form == Layout::Form::nothing) return changes_.push_back(lines_below(entry.colon_end, lines));
  const std::size_t end_of_line = line_end(text_, entry.value_end);
  const bool is_below = !is_on_key_line(entry);
  if (entry.form != Layout::Form::flow) {
    if (is_below) return change(line_begin(text_, entry.value_begin), end_of_line, joined);
    return change(entry.colon_end, end_of_line, std::string(line_break()) + joined);
  }
  // What stood in the value's last line behind it, a comment, stays in front of the new lines.
  const bool has_comment = !is_blank(text_.substr(entry.value_end, end_of_line - entry.value_end));
  if (is_below && !has_comment) return change(line_begin(text_, entry.value_begin), end_of_line, joined);
  const std::size_t begin = is_below ? line_begin(text_, entry.value_begin) : entry.colon_end;
  if (!has_comment) return change(begin, end_of_line, std::string(line_break()) + joined);
  change(begin, entry.value_end, "");
  changes_.push_back(lines_below(entry.value_end, lines));
}

void BlockEdit::add(std::string_view key, const Node& value) {
  const std::vector<std::string> lines = emit_member(key, value, static_cast<int>(layout_.column));
  const bool ends_with_break = layout_.end <= layout_.begin || text_[layout_.end - 1] == '\n';
  const std::string joined = fmt::format("{}", fmt::join(lines, line_break()));
  const std::string line_break(this->line_break());
  added_.push_back({layout_.end, layout_.end, ends_with_break ? joined + line_break : line_break + joined});
}

void BlockEdit::add_within(const Layout::Entry& entry, std::string_view key, const Node& value) {
  const Layout::Entry& last = entry.entries.back();
  const int indent = static_cast<int>(entry.entries.front().column);
  changes_.push_back(lines_below(std::max(entry.value_end, last.colon_end), emit_member(key, value, indent)));
}

// An alias that loses its anchor would not be read any more.
Expected<void> BlockEdit::check_anchors() const {
  const auto is_replaced = [this](std::size_t at) {
    return std::ranges::any_of(changes_, [at](const Change& change) { return change.begin <= at && at < change.end; });
  };
  for (const Layout::Anchor& anchor : layout_.anchors) {
    if (!is_replaced(anchor.at)) continue;
    for (const std::size_t alias : anchor.aliases) {
      if (is_replaced(alias)) continue;
      return fail(fmt::format("line {} uses the anchor of line {}, in a value that is replaced", line_at(text_, alias),
                              line_at(text_, anchor.at)));
    }
  }
  return {};
}

Expected<std::string> BlockEdit::apply() const {
  if (auto checked = check_anchors(); !checked) return std::unexpected(checked.error());
  std::vector<Change> changes = changes_;
  changes.insert(changes.end(), added_.begin(), added_.end());
  std::ranges::stable_sort(changes, {}, &Change::begin);
  std::string result;
  std::size_t done = 0;
  for (const Change& change : changes) {
    result += text_.substr(done, change.begin - done);
    result += change.content;
    done = change.end;
  }
  result += text_.substr(done);
  return result;
}

}  // namespace shim::config
