#include "config/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ranges>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "config/keys.h"

namespace shim::config {

namespace {

constexpr std::string_view kIntroduction = R"(# Configuration reference

Every key of the file, with its bounds and its default. This page is printed by `image-cri-shim config reference`, from
the table that the parser uses; a test compares the two. How the file is found and read, and how the keys work together,
is in [configuration.md](configuration.md).

- `registries[]` is each entry of the list `registries`.
- *Effect*: `live` takes effect when the file is saved; `restart` when the shim is started the next time. Until then a
  warning names the key.
- *ConfigMap*: the key under which [a ConfigMap](configuration.md#the-configmap) may set it. A `-` is for the node's own
  file alone.
- A default of `-` is none. A key without a value has its default.
- Durations: `15m`, `1m30s`, `500ms`. Sizes: `16Mi`, `64Ki`, `1048576`. Flags: `true`/`false`, also `yes`/`no`,
  `on`/`off`. A list of texts may be a single text.
- All keys are there since version 0.1.0.
)";

struct Section {
  std::string_view title;
  std::vector<std::string_view> beginnings;  // of the paths of its keys
};

const std::array<Section, 7>& sections() {
  static const std::array<Section, 7> list = {{
      {"An entry of `registries`", {"registries[]."}},
      {"Registries", {"fallback", "address", "auth", "offline", "registries"}},
      {"Probing", {"probe."}},
      {"Cache", {"cache."}},
      {"Credentials", {"credentials."}},
      {"ConfigMap", {"configMap."}},
      {"Node", {""}},
  }};
  return list;
}

const Section& section_of(const Key& key) {
  return *std::ranges::find_if(sections(), [&](const Section& section) {
    return std::ranges::any_of(section.beginnings,
                               [&](std::string_view beginning) { return key.path.starts_with(beginning); });
  });
}

// `1m` for Go's `1m0s`.
std::string short_duration(std::chrono::nanoseconds duration) {
  std::string text = format_duration(duration);
  if (text.ends_with("m0s")) text.resize(text.size() - 2);
  if (text.ends_with("h0m")) text.resize(text.size() - 2);
  return text;
}

std::string value_of(const Key& key) {
  if (const auto* duration = std::get_if<DurationBounds>(&key.bounds)) {
    return fmt::format("{} from {} to {}{}", key.kind, short_duration(duration->least), short_duration(duration->most),
                       duration->zero_is_allowed ? ", or 0" : "");
  }
  if (const auto* number = std::get_if<NumberBounds>(&key.bounds)) {
    return fmt::format("{} from {} to {}", key.kind, number->least, number->most);
  }
  if (const auto* size = std::get_if<SizeBounds>(&key.bounds)) {
    return fmt::format("{} from {} to {}", key.kind, format_size(size->least), format_size(size->most));
  }
  return std::string(key.kind);
}

std::string in_cell(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '|') result += '\\';
    result += c;
  }
  return result;
}

std::string code(std::string_view text) {
  return text.empty() ? "-" : fmt::format("`{}`", text);
}

std::string row(const Key& key) {
  return fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", key.path, in_cell(value_of(key)), code(key.default_value),
                     key.effect == Effect::live ? "live" : "restart", code(key.in_config_map), in_cell(key.text));
}

std::string section_text(const Section& section) {
  std::string text = fmt::format(
      "\n## {}\n\n| key | value | default | effect | ConfigMap | meaning |\n"
      "|---|---|---|---|---|---|\n",
      section.title);
  std::string examples;
  for (const Key& key : keys()) {
    if (&section_of(key) != &section) continue;
    text += row(key);
    if (!key.example.empty()) examples += fmt::format("\n`{}`:\n\n```yaml\n{}```\n", key.path, key.example);
  }
  return text + examples;
}

}  // namespace

std::string reference() {
  std::string text(kIntroduction);
  std::vector<const Section*> done;
  for (const Key& key : keys()) {
    const Section* section = &section_of(key);
    if (std::ranges::find(done, section) != done.end()) continue;
    done.push_back(section);
    text += section_text(*section);
  }
  return text;
}

}  // namespace shim::config
