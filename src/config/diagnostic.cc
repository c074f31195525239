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

void Diagnostics::error(Place place, std::string_view path, std::string message) {
  add(Severity::error, place, path, std::move(message));
}

void Diagnostics::warning(Place place, std::string_view path, std::string message) {
  add(Severity::warning, place, path, std::move(message));
}

void Diagnostics::note(Place place, std::string_view path, std::string message) {
  add(Severity::note, place, path, std::move(message));
}

void Diagnostics::add(Severity severity, Place place, std::string_view path, std::string message) {
  if (severity == Severity::error) ++error_count_;
  const bool is_first_error = severity == Severity::error && error_count_ == 1;  // never left out
  if (said_.size() >= kMostDiagnostics && !is_first_error) {
    ++left_out_;
    return;
  }
  const std::string& text_name = place.source == Source::file ? file_ : config_map_;
  const auto after = std::ranges::upper_bound(said_, place, {}, &Said::place);
  said_.insert(after, {place, {severity, text_name, place.line, std::string(path), std::move(message)}});
}

std::vector<Diagnostic> Diagnostics::take() {
  std::vector<Diagnostic> diagnostics;
  for (Said& said : std::exchange(said_, {})) diagnostics.push_back(std::move(said.diagnostic));
  if (left_out_ > 0) {
    const Diagnostic& last = diagnostics.back();
    diagnostics.push_back(
        {Severity::note, last.file, last.line, "", fmt::format("{} more messages are left out", left_out_)});
  }
  left_out_ = 0;
  return diagnostics;
}

}  // namespace shim::config
