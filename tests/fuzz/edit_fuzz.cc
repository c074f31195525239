// Any bytes as a configuration file and a ConfigMap (a NUL between them): what an edit gives is read as the merged
// configuration, and is not edited again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/file_edit.h"
#include "config/parse.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shim::config;
  const Environment environment = [](std::string_view name) -> std::optional<std::string> {
    if (name == "A") return "a";
    return std::nullopt;
  };
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t split = input.find('\0');
  const std::string_view text = input.substr(0, split);
  const std::string_view set = split == std::string_view::npos ? "debug: true" : input.substr(split + 1);

  std::vector<Diagnostic> diagnostics;
  const auto overlay = Overlay::parse(set, {"ConfigMap", {"A"}}, environment, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics) to_string(diagnostic);
  if (!overlay) return 0;
  overlay_lines(*overlay);
  require(overlay->over(Overlay()) == *overlay && Overlay().over(*overlay) == *overlay);

  const ParseResult wanted = parse(text, "f.yaml", environment, &*overlay);
  const auto edited = edit(text, *overlay, environment);
  require(!edited || wanted.config);
  if (!edited) return 0;
  const ParseResult got = parse(*edited, "f.yaml", environment);
  require(got.config && *got.config == *wanted.config);
  const auto again = edit(*edited, *overlay, environment);
  require(again && *again == *edited);
  const ParseResult alone = parse(text, "f.yaml", environment);
  if (overlay->empty()) require(*edited == text && alone.config == got.config);
  return 0;
}
