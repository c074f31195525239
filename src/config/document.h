// One YAML document as a tree of scalars, lists and blocks with their lines: the border to yaml-cpp.
//
// Bounds, so that no file can exhaust the process: 64 levels of nesting (aliases included; yaml-cpp's parser recurses
// once a level), 100,000 values with every alias counted each time that it is used (an "alias bomb" is an error).
// Anchors, aliases and merge keys (`<<`) are resolved here. Tags are ignored: what a value is, its key decides.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"

namespace shim::config {

struct Node {
  enum class Kind { null, scalar, list, block };
  using Source = config::Source;
  struct Member {
    std::string key;
    int line = 0;
    const Node* value = nullptr;
    Source source = Source::file;  // of which text `line` is a line

    Place place() const { return {line, source}; }
  };

  Kind kind = Kind::null;
  Source source = Source::file;  // of which text `line` is a line
  int line = 0;
  std::string text;                // of a scalar
  bool is_quoted = false;          // of a scalar: text, whatever it looks like
  std::vector<const Node*> items;  // of a list
  std::vector<Member> members;     // of a block, in file order, repeated keys included, merged ones last
  std::size_t expanded_size = 1;   // values below and including this one
  int depth = 1;                   // levels below and including this one

  Place place() const { return {line, source}; }
};

// Whether both hold the same, as written (variables unexpanded); places do not count.
bool hold_the_same(const Node& a, const Node& b);
bool have_same_value(const Node::Member& a, const Node::Member& b);  // and the same key

// `a list`, `a block`, `nothing`, `text`: for messages that must not show a value.
std::string_view kind_name(Node::Kind kind);

// Owns its nodes; they stay where they are when the document is moved.
class Document {
 public:
  // Nothing where there is no tree to look at; `diagnostics` says why. An empty text is a document whose root is null.
  // Messages never show text of the document (it may be a password that lacks its quotes).
  static std::optional<Document> parse(std::string_view text, Diagnostics& diagnostics, Source source = Source::file);
  // The same for a file that others also write as JSON, which is YAML but for the tabs between its tokens.
  static std::optional<Document> parse_json_or_yaml(std::string_view text, Diagnostics& diagnostics);

  const Node& root() const { return *root_; }

 private:
  Document() = default;

  std::deque<Node> nodes_;
  const Node* root_ = nullptr;
};

}  // namespace shim::config
