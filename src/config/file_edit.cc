#include "config/file_edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "config/block_edit.h"
#include "config/document.h"
#include "config/encoding.h"
#include "config/layout.h"
#include "config/load.h"
#include "config/meaning.h"
#include "config/merge.h"
#include "config/parse.h"

namespace shim::config {

namespace {

constexpr std::string_view kAdvice = "; the file is left as it is, write the ConfigMap's values there by hand";

std::unexpected<Error> impossible(std::string_view why) {
  return fail(fmt::format("cannot edit the configuration file: {}{}", why, kAdvice));
}

// The first error, where there is no configuration.
Expected<Config> valid_config(ParseResult result) {
  if (result.config) return std::move(*result.config);
  const auto found = std::ranges::find(result.diagnostics, Severity::error, &Diagnostic::severity);
  return fail(found == result.diagnostics.end() ? "not valid" : to_string(*found));
}

const Node* find_value(const Node& block, std::string_view key) {
  const auto found = std::ranges::find(block.members, key, &Node::Member::key);
  return found == block.members.end() ? nullptr : found->value;
}

// The members of `ours` (the overlay's cache) that mean something else than those of `local` (the file's).
std::vector<Node::Member> changed_cache_keys(const Node* local, const Node& ours, const Environment& environment) {
  std::vector<Node::Member> changed;
  for (const Node::Member& member : ours.members) {
    Node before;
    Node after;
    before.kind = after.kind = Node::Kind::block;
    after.members = {member};
    const Node* value = local == nullptr ? nullptr : find_value(*local, member.key);
    if (value != nullptr) before.members = {{.key = member.key, .value = value}};
    if (!mean_the_same("cache", value == nullptr ? nullptr : &before, after, environment)) changed.push_back(member);
  }
  return changed;
}

// A block whose keys can be replaced one by one.
bool is_editable_block(const Layout::Entry& entry) {
  return entry.colon_end > 0 && entry.form == Layout::Form::block && !entry.entries.empty() &&
         std::ranges::all_of(entry.entries, [&](const Layout::Entry& inner) {
           return inner.column == entry.entries.front().column && (inner.colon_end > 0 || inner.key == "<<");
         });
}

class FileEdit {
 public:
  FileEdit(std::string_view text, const Layout& layout, const Node& root, const Environment& environment)
      : layout_(layout), root_(root), environment_(environment), edit_(text, layout) {}

  Expected<void> set(const Node::Member& member) {
    const Node* local = find_value(root_, member.key);
    if (member.key == "cache") return set_cache(local, *member.value);
    if (mean_the_same(member.key, local, *member.value, environment_)) return {};
    return replace(member.key, *member.value);
  }

  bool is_empty() const { return edit_.is_empty(); }
  Expected<std::string> apply() const { return edit_.apply(); }

 private:
  Expected<void> replace(std::string_view key, const Node& value) {
    const Layout::Entry* entry = layout_.find(key);
    if (entry == nullptr) {
      edit_.add(key, value);
      return {};
    }
    return edit_.replace(*entry, value);
  }

  Expected<void> set_cache(const Node* local, const Node& ours) {
    const std::vector<Node::Member> changed = changed_cache_keys(local, ours, environment_);
    if (changed.empty()) return {};
    const Layout::Entry* entry = layout_.find("cache");
    if (entry == nullptr || !is_editable_block(*entry)) return replace("cache", merged_cache(local, changed));
    for (const Node::Member& member : changed) {
      const auto inner = std::ranges::find(entry->entries, member.key, &Layout::Entry::key);
      if (inner == entry->entries.end()) {
        edit_.add_within(*entry, member.key, *member.value);
      } else if (auto replaced = edit_.replace(*inner, *member.value); !replaced) {
        return replaced;
      }
    }
    return {};
  }

  const Node& merged_cache(const Node* local, const std::vector<Node::Member>& changed) {
    Node& merged = nodes_.emplace_back();
    merged.kind = Node::Kind::block;
    if (local != nullptr) merged.members = local->members;
    for (const Node::Member& member : changed) {
      const auto found = std::ranges::find(merged.members, member.key, &Node::Member::key);
      if (found == merged.members.end()) {
        merged.members.push_back(member);
      } else {
        *found = member;
      }
    }
    return merged;
  }

  const Layout& layout_;
  const Node& root_;
  const Environment& environment_;
  BlockEdit edit_;
  std::deque<Node> nodes_;
};

}  // namespace

Expected<std::string> edit(std::string_view text, const Overlay& overlay, const Environment& environment) {
  const Expected<Config> wanted = valid_config(parse(text, "the file", environment, &overlay));
  if (!wanted) return fail("cannot edit the configuration file, it is not valid: " + wanted.error().message);
  Diagnostics diagnostics("");
  const std::optional<Document> document = Document::parse(text, diagnostics);
  const Expected<Layout> layout = Layout::of(text);
  Layout none;
  FileEdit file_edit(text, layout ? *layout : none, document->root(), environment);
  for (const Node::Member& member : overlay.members()) {
    if (auto set = file_edit.set(member); !set) return impossible(set.error().message);
  }
  if (file_edit.is_empty()) return std::string(text);
  if (!layout) return impossible(layout.error().message);
  Expected<std::string> edited = file_edit.apply();
  if (!edited) return impossible(edited.error().message);
  if (edited->size() > kMostFileBytes) return impossible(fmt::format("it would be above {} bytes", kMostFileBytes));
  const Expected<Config> written = valid_config(parse(*edited, "the file", environment));
  if (!written || *written != *wanted) return impossible("it is written in a way that cannot be edited safely");
  return edited;
}

}  // namespace shim::config
