// How the enumerations of the configuration are written in the file: read by parse(), written by print().
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "config/config.h"

namespace shim::config {

template <class Enum, std::size_t size>
using Names = std::array<std::pair<std::string_view, Enum>, size>;

inline constexpr Names<CriVersion, 3> kCriVersionNames = {
    {{"auto", CriVersion::automatic}, {"v1", CriVersion::v1}, {"v1alpha2", CriVersion::v1alpha2}}};
inline constexpr Names<Fallback, 2> kFallbackNames = {{{"upstream", Fallback::upstream}, {"deny", Fallback::deny}}};
inline constexpr Names<DigestFallback, 2> kDigestFallbackNames = {
    {{"none", DigestFallback::none}, {"tag", DigestFallback::tag}}};
inline constexpr Names<LogFormat, 2> kLogFormatNames = {{{"text", LogFormat::text}, {"json", LogFormat::json}}};
inline constexpr Names<Enabled, 3> kEnabledNames = {
    {{"auto", Enabled::automatic}, {"true", Enabled::yes}, {"false", Enabled::no}}};

// REQUIRES: `names` has every enumerator.
template <class Enum, std::size_t size>
constexpr std::string_view name_of(const Names<Enum, size>& names, Enum value) {
  for (const auto& [name, enumerator] : names) {
    if (enumerator == value) return name;
  }
  return {};
}

}  // namespace shim::config
