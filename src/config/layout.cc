#include "config/layout.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>

#include "config/encoding.h"
#include "config/scan.h"

namespace shim::config {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// What the events say of an entry.
struct Seen {
  std::string key;
  std::size_t begin = 0;
  Layout::Form form = Layout::Form::flow;
  bool has_scalar = false;      // in its value
  std::size_t last_scalar = 0;  // the first byte of the last one, or of its anchor or tag
  bool last_scalar_is_empty = false;
  std::vector<Seen> entries;  // where the value is a block
};

// Collects the positions of keys and scalars. yaml-cpp's positions count bytes, without a byte order mark.
class Recorder : public YAML::EventHandler {
 public:
  explicit Recorder(std::size_t offset) : offset_(offset) {}

  std::vector<Seen> entries;
  std::unordered_map<YAML::anchor_t, Layout::Anchor> anchors;
  bool root_is_block = false;
  bool root_is_written = false;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (open_.empty() && anchor == 0) return;
    begin_node(mark, anchor, Layout::Form::flow, "");
    end_node();
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    anchors[anchor].aliases.push_back(position(mark));
    begin_node(mark, 0, Layout::Form::flow, texts_[anchor]);
    end_node();
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    if (anchor != 0) texts_[anchor] = value;
    begin_node(mark, anchor, Layout::Form::flow, value);
    for (Seen* entry : {value_of_level(0), value_of_level(1)}) {
      if (entry == nullptr) continue;
      entry->has_scalar = true;
      entry->last_scalar = position(mark);
      entry->last_scalar_is_empty = value.empty();
    }
    end_node();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    begin_node(mark, anchor, style == YAML::EmitterStyle::Flow ? Layout::Form::flow : Layout::Form::list, "");
    open_.push_back({.is_block = false});
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    const Layout::Form form = style == YAML::EmitterStyle::Flow ? Layout::Form::flow : Layout::Form::block;
    if (open_.empty()) root_is_block = form == Layout::Form::block;
    begin_node(mark, anchor, form, "");
    open_.push_back({.is_block = true});
  }
  void OnSequenceEnd() override {
    open_.pop_back();
    end_node();
  }
  void OnMapEnd() override {
    open_.pop_back();
    end_node();
  }

 private:
  struct Open {
    bool is_block = false;
    bool is_at_value = false;  // the key was read
  };

  std::size_t position(const YAML::Mark& mark) const { return static_cast<std::size_t>(mark.pos) + offset_; }

  // The entries of the top level, or of the block that is the value of the last of them.
  std::vector<Seen>& entries_of_level(std::size_t level) { return level == 0 ? entries : entries.back().entries; }

  // The entry of that level whose value is being read, or null.
  Seen* value_of_level(std::size_t level) {
    for (std::size_t i = 0; i <= level; ++i) {
      if (open_.size() <= i || !open_[i].is_block || !open_[i].is_at_value) return nullptr;
    }
    return &entries_of_level(level).back();
  }

  void begin_node(const YAML::Mark& mark, YAML::anchor_t anchor, Layout::Form form, const std::string& text) {
    if (anchor != 0) anchors[anchor].at = position(mark);
    if (open_.empty()) root_is_written = true;
    const std::size_t level = open_.size() - 1;
    if (open_.empty() || level > 1 || !open_.back().is_block) return;
    if (level == 1 && value_of_level(0) == nullptr) return;  // not below a top-level key
    if (open_.back().is_at_value) {
      entries_of_level(level).back().form = form;
    } else {
      Seen& entry = entries_of_level(level).emplace_back();
      entry.key = text;
      entry.begin = position(mark);
    }
  }

  void end_node() {
    if (!open_.empty()) open_.back().is_at_value = !open_.back().is_at_value;
  }

  const std::size_t offset_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, std::string> texts_;  // of scalars, for aliases that are keys
};

// The first line `...` from the line at `at` on, else the end of the text. It ends a scalar of any style.
std::size_t end_of_document(std::string_view text, std::size_t at) {
  for (std::size_t line = line_begin(text, at); line < text.size(); line = next_line(text, line)) {
    const std::string_view rest = text.substr(line);
    if (!rest.starts_with("...")) continue;
    if (rest.size() == 3 || rest.find_first_of(" \t\r\n", 3) == 3) return line;
  }
  return text.size();
}

// Behind the last line in front of `limit` that is not blank.
std::size_t end_of_lines(std::string_view text, std::size_t begin, std::size_t limit) {
  const std::size_t last = text.substr(0, limit).find_last_not_of(" \t\r\n");
  return last == std::string_view::npos || last < begin ? begin : next_line(text, last);
}

// Behind the colon of the key that begins at `begin`; 0 where that is not simply the key and a colon.
std::size_t end_of_colon(std::string_view text, const Seen& seen) {
  std::size_t at = seen.begin;
  if (text[at] == '"' || text[at] == '\'') {
    at = text.find(text[at], at + 1);  // a key that is looked for holds no quote
    if (at == std::string_view::npos || text.substr(seen.begin + 1, at - seen.begin - 1) != seen.key) return 0;
    ++at;
  } else {
    if (text.substr(at, seen.key.size()) != seen.key) return 0;
    at += seen.key.size();
  }
  at = text.find_first_not_of(" \t", at);
  return at != std::string_view::npos && text[at] == ':' ? at + 1 : 0;
}

std::size_t offset_of(std::string_view text) {
  return text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
}

std::size_t column_of(std::string_view text, std::size_t at) {
  return at - std::max(line_begin(text, at), offset_of(text));
}

Layout::Entry entry_of(std::string_view text, const Seen& seen, std::size_t limit) {
  Layout::Entry entry;
  entry.key = seen.key;
  entry.begin = seen.begin;
  entry.column = column_of(text, seen.begin);
  entry.colon_end = end_of_colon(text, seen);
  if (entry.colon_end == 0) return entry;
  entry.value_begin = skip_space(text, entry.colon_end, limit);
  if (entry.value_begin == limit) {
    entry.value_begin = entry.value_end = entry.colon_end;
    return entry;
  }
  entry.form = seen.form;
  entry.value_end = end_of_content(text, seen.has_scalar ? seen.last_scalar : entry.value_begin,
                                   seen.has_scalar && seen.last_scalar_is_empty, limit);
  return entry;
}

std::vector<Layout::Entry> entries_of(std::string_view text, const std::vector<Seen>& seen, std::size_t limit) {
  std::vector<Layout::Entry> entries;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const std::size_t end = i + 1 < seen.size() ? seen[i + 1].begin : limit;
    Layout::Entry entry = entry_of(text, seen[i], end);
    if (entry.form == Layout::Form::block) entry.entries = entries_of(text, seen[i].entries, end);
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::unexpected<Error> no_edit(std::string_view text, std::size_t at, std::string_view why) {
  return fail(fmt::format("line {}: {}", line_at(text, at), why));
}

Expected<void> check_characters(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool is_line_end = c == '\n' || (c == '\r' && at + 1 < text.size() && text[at + 1] == '\n');
    if (c == '\r' && !is_line_end) return no_edit(text, at, "a carriage return without a line feed; remove it");
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && !is_line_end) {
      return no_edit(text, at, "a control character; remove it");
    }
  }
  return {};
}

Expected<void> check_entries(std::string_view text, const std::vector<Layout::Entry>& entries) {
  for (const Layout::Entry& entry : entries) {
    const std::string_view before = text.substr(entry.begin - entry.column, entry.column);
    if (before.find_first_not_of(' ') != std::string_view::npos) {
      return no_edit(text, entry.begin,
                     "a key that does not begin its line; write it on a line of its own, without `?`");
    }
  }
  return {};
}

Expected<Recorder> record(std::string_view text, std::size_t offset) {
  Recorder recorder(offset);
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(recorder);
  } catch (const YAML::Exception&) {
    return fail("not valid YAML");
  }
  return recorder;
}

}  // namespace

Expected<Layout> Layout::of(std::string_view text) {
  if (auto checked = check_characters(text); !checked) return std::unexpected(checked.error());
  const Expected<Recorder> recorder = record(text, offset_of(text));
  if (!recorder) return std::unexpected(recorder.error());
  if (recorder->root_is_written && !recorder->root_is_block) {
    return fail("the file is written in braces; write one key on each line, without braces");
  }
  Layout layout;
  layout.begin = offset_of(text);
  const std::vector<Seen>& seen = recorder->entries;
  const std::size_t limit = end_of_document(text, seen.empty() ? 0 : seen.back().begin);
  layout.entries = entries_of(text, seen, limit);
  layout.end = end_of_lines(text, layout.begin, limit);
  if (auto checked = check_entries(text, layout.entries); !checked) return std::unexpected(checked.error());
  if (!layout.entries.empty()) layout.column = layout.entries.front().column;
  for (const auto& [id, anchor] : recorder->anchors) layout.anchors.push_back(anchor);
  return layout;
}

const Layout::Entry* Layout::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace shim::config
