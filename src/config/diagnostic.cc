#include "config/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace shim::config {

namespace {

// A file of 1 MiB can hold hundreds of thousands of mistakes; nobody reads more than these.
constexpr std::size_t kMostDiagnostics = 200;

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
  if (severity == Severity::error) ++error_count_;
  const bool is_first_error = severity == Severity::error && error_count_ == 1;  // never left out
  if (said_.size() >= kMostDiagnostics && !is_first_error) {
    ++left_out_;
    return;
  }
  const auto place = std::ranges::upper_bound(said_, line, {}, &Diagnostic::line);
  said_.insert(place, {severity, file_, line, std::string(path), std::move(message)});
}

std::vector<Diagnostic> Diagnostics::take() {
  if (left_out_ > 0) {
    const int last_line = said_.back().line;
    said_.push_back({Severity::note, file_, last_line, "", fmt::format("{} more messages are left out", left_out_)});
  }
  left_out_ = 0;
  return std::exchange(said_, {});
}

}  // namespace shim::config
