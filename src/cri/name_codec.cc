#include "cri/name_codec.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"

namespace shim::cri {
namespace {

using nlohmann::json;
using Time = std::chrono::system_clock::time_point;

constexpr int kVersion = 1;
constexpr int kDepth = 3;  // of a name's own values
constexpr std::size_t kShown = 200;

std::string encode_time(Time time) {
  return fmt::format("{:%FT%TZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

Time decode_time(const std::string& text) {
  std::tm fields{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &fields);
  if (end == nullptr || *end != '\0') return {};
  return std::chrono::system_clock::from_time_t(::timegm(&fields));
}

std::string encode(const RememberedName& name) {
  nlohmann::ordered_json fields;
  fields["original"] = name.reference.original();
  fields["pulled"] = name.pulled;
  fields["remembered"] = encode_time(name.time);
  return fields.dump();
}

std::string text_of(const json& object, const char* key) {
  const auto value = object.find(key);
  return value != object.end() && value->is_string() ? value->get<std::string>() : std::string();
}

Expected<image::Reference> parse_name(const std::string& text) {
  if (image::is_image_id(text)) return fail(fmt::format("{} is an image ID", in_quotes(text, kShown)));
  return image::Reference::parse(text);
}

Expected<RememberedName> decode(const json& entry) {
  if (!entry.is_object()) return fail("an entry is no object");
  auto reference = parse_name(text_of(entry, "original"));
  if (!reference) return std::unexpected(reference.error());
  std::string pulled = text_of(entry, "pulled");
  if (const auto name = parse_name(pulled); !name) return std::unexpected(name.error());
  return RememberedName{std::move(*reference), std::move(pulled), decode_time(text_of(entry, "remembered"))};
}

Expected<json> parse(std::string_view text) {
  // What lies deeper than a name's values is dropped while it is read.
  const auto is_wanted = [](int depth, json::parse_event_t, const json&) { return depth <= kDepth; };
  try {
    return json::parse(text, is_wanted);
  } catch (const json::exception& error) {
    return fail(fmt::format("it is no JSON: {}", printable(error.what(), kShown)));
  }
}

}  // namespace

std::string encode_names(std::span<const RememberedName> names) {
  std::string text = fmt::format("{{\"version\": {}, \"names\": [", kVersion);
  for (const RememberedName& name : names) {
    text += &name == names.data() ? "\n" : ",\n";
    text += encode(name);
  }
  return text + "\n]}\n";
}

Expected<DecodedNames> decode_names(std::string_view text) {
  const auto document = parse(text);
  if (!document) return std::unexpected(document.error());
  if (!document->is_object()) return fail("it is no object with a version and names");
  const auto version = document->find("version");
  if (version == document->end() || !version->is_number_integer()) return fail("it has no version");
  if (*version != kVersion) {
    return fail(fmt::format("its version is {}, and this program reads {}", version->dump(), kVersion));
  }
  const auto names = document->find("names");
  if (names == document->end() || !names->is_array()) return fail("it has no list of names");

  DecodedNames decoded;
  for (const json& entry : *names) {
    auto name = decode(entry);
    if (name) {
      decoded.names.push_back(std::move(*name));
    } else if (decoded.skipped++ == 0) {
      decoded.first_problem = name.error().message;
    }
  }
  return decoded;
}

}  // namespace shim::cri
