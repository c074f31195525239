#include "config/config.h"

#include <cassert>

namespace shim::config {

namespace {

image::Pattern default_pattern(const image::Address& address) {
  const std::string& host = address.host();
  const std::string_view name = std::string_view(host).substr(0, host.find(':'));
  const std::string_view wanted = image::is_public_registry(name) ? image::origin_of_public_registry(name) : "*";
  Expected<image::Pattern> pattern = image::Pattern::parse(wanted);
  assert(pattern.has_value());
  return std::move(*pattern);
}

}  // namespace

image::MatchRule effective_rule(const Registry& registry) {
  const Routing& routing = registry.routing;
  image::MatchRule rule;
  rule.match = routing.match ? *routing.match : std::vector{default_pattern(registry.address)};
  rule.exclude = routing.exclude;
  rule.namespaces = routing.namespaces;
  return rule;
}

}  // namespace shim::config
