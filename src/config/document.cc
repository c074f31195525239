#include "config/document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "config/encoding.h"

namespace shim::config {

namespace {

constexpr int kDeepestNesting = 64;
constexpr std::size_t kMostValues = 100'000;

// The only way to end yaml-cpp's parser from within an event; never leaves this file.
struct Stop {
  int line;
  std::string message;
};

int line_of(const YAML::Mark& mark) {
  return mark.line < 0 ? 0 : mark.line + 1;
}

// Turns the parser's events into nodes. Children are finished before their parents, so sizes and depths are known.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::deque<Node>& nodes, Source source) : nodes_(nodes), source_(source) {}

  const Node* root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    attach(finish(start(Node::Kind::null, mark, anchor)));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node& node = start(Node::Kind::scalar, mark, anchor);
    node.text = value;
    node.is_quoted = tag == "!";
    attach(finish(node));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Stop{line_of(mark), "an alias without its anchor"};
    const bool is_open = std::ranges::any_of(open_, [&](const Open& open) { return open.node == found->second; });
    if (is_open) throw Stop{line_of(mark), "an alias stands inside of what it names"};
    alias_line_ = line_of(mark);
    attach(*found->second);
    alias_line_ = 0;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(start(Node::Kind::list, mark, anchor));
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(start(Node::Kind::block, mark, anchor));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override {
    merge(*open_.back().node);
    close();
  }

 private:
  struct Open {
    Node* node;
    std::optional<Node::Member> pending;  // of a block: the key whose value comes next
  };

  Node& start(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (nodes_.size() >= kMostValues) {
      throw Stop{line_of(mark), fmt::format("more than {} values", kMostValues)};
    }
    Node& node = nodes_.emplace_back();
    node.kind = kind;
    node.source = source_;
    node.line = line_of(mark);
    if (anchor != 0) anchors_[anchor] = &node;
    return node;
  }

  void open(Node& node) {
    if (open_.size() >= kDeepestNesting) throw too_deep(node.line);
    open_.push_back({&node, std::nullopt});
  }

  void close() {
    Node& node = *open_.back().node;
    open_.pop_back();
    attach(finish(node));
  }

  static Stop too_deep(int line) { return Stop{line, fmt::format("nested deeper than {} levels", kDeepestNesting)}; }

  static const Node& finish(Node& node) {
    const auto add = [&node](const Node& child) {
      node.expanded_size += child.expanded_size;  // each at most kMostValues: no overflow in 64 bits
      node.depth = std::max(node.depth, child.depth + 1);
    };
    for (const Node* item : node.items) add(*item);
    for (const Node::Member& member : node.members) add(*member.value);
    if (node.depth > kDeepestNesting) throw too_deep(node.line);
    if (node.expanded_size > kMostValues) {
      throw Stop{node.line, fmt::format("more than {} values once aliases are expanded", kMostValues)};
    }
    return node;
  }

  // Gives a finished node (or one that an alias names) to its place in the tree.
  void attach(const Node& node) {
    if (open_.empty()) {
      root_ = &node;
      return;
    }
    Open& parent = open_.back();
    if (parent.node->kind == Node::Kind::list) {
      parent.node->items.push_back(&node);
    } else if (!parent.pending) {
      const int line = alias_line_ > 0 ? alias_line_ : node.line;
      if (node.kind != Node::Kind::scalar) {
        throw Stop{line, fmt::format("a key must be a name, not {}", kind_name(node.kind))};
      }
      parent.pending = Node::Member{node.text, line, nullptr, source_};
    } else {
      parent.pending->value = &node;
      parent.node->members.push_back(std::move(*parent.pending));
      parent.pending.reset();
    }
  }

  // https://yaml.org/type/merge.html: the block's own keys win, then the blocks in their order.
  void merge(Node& block) {
    std::vector<Node::Member> sources;
    std::erase_if(block.members, [&](const Node::Member& member) {
      if (member.key != "<<") return false;
      sources.push_back(member);
      return true;
    });
    if (sources.empty()) return;
    std::unordered_set<std::string> present;
    for (const Node::Member& member : block.members) present.insert(member.key);
    for (const Node::Member& source : sources) {
      if (source.value->kind == Node::Kind::list) {
        for (const Node* item : source.value->items) merge_from(*item, source.line, block, present);
      } else {
        merge_from(*source.value, source.line, block, present);
      }
    }
  }

  void merge_from(const Node& source, int line, Node& block, std::unordered_set<std::string>& present) {
    if (source.kind != Node::Kind::block) {
      throw Stop{line, fmt::format("<< merges blocks, not {}", kind_name(source.kind))};
    }
    merge_steps_ += source.members.size() + 1;
    if (merge_steps_ > kMostValues) {
      throw Stop{line, fmt::format("more than {} values once merge keys are expanded", kMostValues)};
    }
    for (const Node::Member& member : source.members) {
      if (present.insert(member.key).second) block.members.push_back(member);
    }
  }

  std::deque<Node>& nodes_;
  const Source source_;
  std::unordered_map<YAML::anchor_t, Node*> anchors_;
  std::vector<Open> open_;
  const Node* root_ = nullptr;
  int alias_line_ = 0;
  std::size_t merge_steps_ = 0;
};

// Where yaml-cpp's own message quotes the document (`unknown escape character: x`), the quote is cut off.
std::string without_quotation(std::string_view message) {
  if (message.starts_with(YAML::ErrorMsg::UNKNOWN_ANCHOR)) {
    return "an alias (*…) that no anchor (&…) defines; a value that begins with * needs quotes";
  }
  if (message == YAML::ErrorMsg::EOF_IN_SCALAR) return "a quote that is never closed";
  return std::string(message.substr(0, message.find(": ")));
}

// yaml-cpp 0.7 takes the end of a file that ends in a line break for a closing quote; without the break it says so.
std::string_view without_trailing_space(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

std::string with_hint(std::string message, std::string_view text) {
  if (text.find("{{") != std::string_view::npos) message += " (a template whose {{…}} were not filled in?)";
  return message;
}

bool is_text(std::string_view text, Diagnostics& diagnostics) {
  if (const auto at = find_invalid_utf8(text)) {
    diagnostics.error(line_at(text, *at), "", "not UTF-8 text");
    return false;
  }
  if (const auto at = text.find('\0'); at != std::string_view::npos) {
    diagnostics.error(line_at(text, at), "", "a NUL character: this is no text file");
    return false;
  }
  return true;
}

}  // namespace

bool have_same_value(const Node::Member& a, const Node::Member& b) {
  return a.key == b.key && hold_the_same(*a.value, *b.value);
}

bool hold_the_same(const Node& a, const Node& b) {
  if (&a == &b) return true;
  const auto are_same = [](const Node* x, const Node* y) { return hold_the_same(*x, *y); };
  return a.kind == b.kind && a.text == b.text && std::ranges::equal(a.items, b.items, are_same) &&
         std::ranges::equal(a.members, b.members, have_same_value);
}

std::string_view kind_name(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::scalar:
      return "text";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::block:
      return "a block";
  }
  return "";
}

std::optional<Document> Document::parse(std::string_view text, Diagnostics& diagnostics, Source source) {
  if (!is_text(text, diagnostics)) return std::nullopt;
  Document document;
  TreeBuilder builder(document.nodes_, source);
  std::istringstream stream{std::string(without_trailing_space(text))};
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    if (builder.root() != nullptr) {
      std::deque<Node> second;
      TreeBuilder next(second, source);
      if (parser.HandleNextDocument(next)) {
        diagnostics.error(next.root()->line, "", "a second YAML document (---) begins here; one is allowed");
        return std::nullopt;
      }
    }
  } catch (const Stop& stop) {
    diagnostics.error(stop.line, "", with_hint(stop.message, text));
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    diagnostics.error(line_of(error.mark), "", with_hint("not valid YAML: " + without_quotation(error.msg), text));
    return std::nullopt;
  }
  document.root_ = builder.root();
  if (document.root_ == nullptr) {
    Node& nothing = document.nodes_.emplace_back();
    nothing.source = source;
    document.root_ = &nothing;
  }
  return document;
}

std::optional<Document> Document::parse_json_or_yaml(std::string_view text, Diagnostics& diagnostics) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string_view::npos && text[first] == '{';
  if (!is_json || text.find('\t') == std::string_view::npos) return parse(text, diagnostics);
  std::string spaced(text);
  std::ranges::replace(spaced, '\t', ' ');
  return parse(spaced, diagnostics);
}

}  // namespace shim::config
