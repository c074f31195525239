// Reads one block of the file, key by key, into typed values.
//
//   Block probe(node, "probe", reading);
//   probe.duration("timeout", config.probe.timeout, {10ms, 1min});
//   probe.finish();
//
// Each reader leaves its value alone where the key is absent or null, and reports what is wrong where it is not of the
// expected kind; reading goes on, so that all errors are said at once. What was never asked for is an unknown key.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/secret.h"
#include "config/diagnostic.h"
#include "config/document.h"
#include "config/environment.h"
#include "config/names.h"

namespace shim::config {

// What all blocks of one parse share; borrowed for the call.
struct Reading {
  const Environment& environment;
  Diagnostics& diagnostics;
  const std::vector<std::string>* variables = nullptr;  // globs of the names that `${…}` may hold; null: any name
  std::set<std::string>* paths = nullptr;               // where not null: gets the path of each key that is asked for
};

// One value as text, variables expanded, with its place and with how a message may show it.
struct Text {
  std::string value;
  std::string shown;  // in quotes; `${VAR}` unexpanded, since a variable may hold a secret
  std::string path;
  Place place = 0;
  bool has_variables = false;
};

class Block {
 public:
  enum class Holds {
    plain_values,
    secrets,  // keys and values are never shown
  };

  // REQUIRES: node.kind is block or null; `node` and `reading` outlive this.
  Block(const Node& node, std::string path, const Reading& reading, Holds holds = Holds::plain_values);

  const std::string& path() const { return path_; }
  Place place() const { return node_.place(); }
  std::string path_of(std::string_view key) const;
  // The key's place, or the block's where it is absent.
  Place place_of(std::string_view key) const;

  // The value, or null where it is absent or null. The other readers are built on it.
  const Node* find(std::string_view key);
  bool has(std::string_view key) { return find(key) != nullptr; }

  void flag(std::string_view key, bool& value);
  // These three within the bounds that keys.h has for the key. REQUIRES: it has some.
  void number(std::string_view key, int& value);
  void duration(std::string_view key, std::chrono::nanoseconds& value);
  void size(std::string_view key, std::uint64_t& value);
  template <class Enum, std::size_t count>
  void choice(std::string_view key, Enum& value, const Names<Enum, count>& names);
  // An absolute path.
  void file(std::string_view key, std::string& value);
  // An absolute path, or "" for none.
  void optional_file(std::string_view key, std::string& value);
  // `/path` or `unix:///path` of a socket, at most 107 bytes (sun_path); stored without the scheme.
  void socket(std::string_view key, std::string& value);
  // Text of any kind; `expected` completes "expected …" in the error for lists and blocks.
  std::optional<Text> text(std::string_view key, std::string_view expected = "text");
  // The same for a regular expression, which is not expanded.
  std::optional<Text> unexpanded_text(std::string_view key, std::string_view expected);
  Secret secret(std::string_view key);
  // One for each entry of a list of blocks; empty where the key is absent or no list. Entries that are no blocks are
  // reported and left out.
  std::vector<Block> blocks(std::string_view key, std::string_view expected);
  // The entries of a list of texts (one text alone is a list of one); nothing where the key is absent or no list.
  std::optional<std::vector<Text>> texts(std::string_view key);
  // A block inside; an empty one where the key is absent or something else.
  Block block(std::string_view key, Holds holds = Holds::plain_values);

  // "expected …, got …" at the place of `text`; `error_at` with a message of its own.
  void mismatch(const Text& text, std::string_view expected);
  void error_at(const Text& text, std::string message);
  void error(std::string_view key, std::string message);
  void warning(std::string_view key, std::string message);
  // Errors of the whole parse so far.
  std::size_t error_count() const { return reading_.diagnostics.error_count(); }
  // Reports repeated keys and those that no reader asked for.
  void finish();

 private:
  std::optional<Text> text_of(const Node& node, std::string path, std::string_view expected, bool is_expanded);
  Expected<void> check_variables(std::string_view text) const;
  void report_unknown(const Node::Member& member);

  const Node& node_;
  std::string path_;
  const Reading& reading_;
  Holds holds_;
  std::unordered_map<std::string_view, const Node::Member*> members_;  // the first of each key
  std::vector<std::string_view> known_;                                // the keys asked for: literals
};

// `a, b or c`
std::string alternatives(const std::vector<std::string_view>& names);

template <class Enum, std::size_t count>
void Block::choice(std::string_view key, Enum& value, const Names<Enum, count>& names) {
  std::vector<std::string_view> spellings;
  for (const auto& [name, enumerator] : names) spellings.push_back(name);
  const std::string expected = alternatives(spellings);
  const std::optional<Text> written = text(key, expected);
  if (!written) return;
  for (const auto& [name, enumerator] : names) {
    if (name == written->value) {
      value = enumerator;
      return;
    }
  }
  mismatch(*written, expected);
}

}  // namespace shim::config
