// Any bytes as a configuration file: parse() answers, and what it accepts can be printed and read back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/parse.h"
#include "config/print.h"
#include "config/startup_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shim::config;
  const Environment environment = [](std::string_view name) -> std::optional<std::string> {
    if (name == "A") return "a";
    return std::nullopt;
  };
  const ParseResult result = parse({reinterpret_cast<const char*>(data), size}, "f.yaml", environment);
  for (const Diagnostic& diagnostic : result.diagnostics) to_string(diagnostic);
  if (!result.config) return 0;
  startup_lines(*result.config);
  registry_lines(*result.config);
  const std::string printed = print(*result.config);
  const ParseResult again = parse(printed, "f.yaml", environment);
  if (!again.config || print(*again.config) != printed) std::abort();
  return 0;
}
