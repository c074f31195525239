// What is to say about a configuration file: errors, warnings and notes, each with its place.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shim::config {

enum class Severity {
  error,    // the file is not used
  warning,  // used, but probably not what was meant
  note,     // worth knowing
};

// Which text a line is a line of, where a ConfigMap is laid over the file.
enum class Source { file, config_map };

struct Place {
  int line = 0;  // from 1; 0: the text as a whole
  Source source = Source::file;

  Place(int in_line, Source of = Source::file) : line(in_line), source(of) {}  // a line alone is one of the file
  friend bool operator==(const Place&, const Place&) = default;
  // The file's lines before the ConfigMap's.
  friend auto operator<=>(const Place& a, const Place& b) {
    return std::pair(a.source, a.line) <=> std::pair(b.source, b.line);
  }
};

// Holds no secret: not in the path, not in the message.
struct Diagnostic {
  Severity severity = Severity::error;
  std::string file;
  int line = 0;      // from 1; 0: the file as a whole
  std::string path;  // YAML path, list entries counted from 0: `registries[1].priority`; empty: no key
  std::string message;

  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

// `FILE:LINE: registries[1].priority: expected a number, got "high"`
std::string to_string(const Diagnostic& diagnostic);

// Where a parse collects what it has to say.
class Diagnostics {
 public:
  // `config_map` is what Diagnostic::file says for a place in the ConfigMap.
  explicit Diagnostics(std::string_view file, std::string_view config_map = {})
      : file_(file), config_map_(config_map) {}

  void error(Place place, std::string_view path, std::string message);
  void warning(Place place, std::string_view path, std::string message);
  void note(Place place, std::string_view path, std::string message);
  std::size_t error_count() const { return error_count_; }
  // Everything said, by line, the file's first; beyond 200 only their number.
  std::vector<Diagnostic> take();

 private:
  struct Said {
    Place place;
    Diagnostic diagnostic;
  };

  void add(Severity severity, Place place, std::string_view path, std::string message);

  std::string file_;
  std::string config_map_;
  std::size_t error_count_ = 0;
  std::size_t left_out_ = 0;
  std::vector<Said> said_;  // by place; of one line in the order that they were said in
};

}  // namespace shim::config
