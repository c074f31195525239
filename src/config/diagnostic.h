// What is to say about a configuration file: errors, warnings and notes, each with its place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace shim::config {

enum class Severity {
  error,    // the file is not used
  warning,  // used, but probably not what was meant
  note,     // worth knowing
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
  explicit Diagnostics(std::string_view file) : file_(file) {}

  void error(int line, std::string_view path, std::string message);
  void warning(int line, std::string_view path, std::string message);
  void note(int line, std::string_view path, std::string message);
  std::size_t error_count() const { return error_count_; }
  // Everything said, by line; beyond 200 only their number.
  std::vector<Diagnostic> take();

 private:
  void add(Severity severity, int line, std::string_view path, std::string message);

  std::string file_;
  std::size_t error_count_ = 0;
  std::size_t left_out_ = 0;
  std::vector<Diagnostic> said_;  // by line; of one line in the order that they were said in
};

}  // namespace shim::config
