#include "config/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace shim::config {

namespace {

// A file of 1 MiB can hold hundreds of thousands of mistakes; nobody reads more than these.
constexpr std::size_t most_diagnostics = 200;

}  // namespace

std::string to_string(const Diagnostic& diagnostic) {
  std::string text = diagnostic.file;
  if (diagnostic.line > 0) text += fmt::format(":{}", diagnostic.line);
  if (!text.empty()) text += ": ";
  if (!diagnostic.path.empty()) text += diagnostic.path + ": ";
  return text + diagnostic.message;
}

void Diagnostics::error(int line, std::string_view path, std::string message) {
  add(Severity::error, line, path, std::move(message));
}

void Diagnostics::warning(int line, std::string_view path, std::string message) {
  add(Severity::warning, line, path, std::move(message));
}

void Diagnostics::note(int line, std::string_view path, std::string message) {
  add(Severity::note, line, path, std::move(message));
}

void Diagnostics::add(Severity severity, int line, std::string_view path, std::string message) {
  // An error is never dropped in favour of a warning: error_count() counts it in any case.
  if (severity == Severity::error) ++error_count_;
  const bool is_first_error = severity == Severity::error && error_count_ == 1;
  if (said_.size() >= most_diagnostics && !is_first_error) return;
  said_.push_back({severity, file_, line, std::string(path), std::move(message)});
}

std::vector<Diagnostic> Diagnostics::take() {
  std::ranges::stable_sort(said_, {}, &Diagnostic::line);
  return std::exchange(said_, {});
}

}  // namespace shim::config
