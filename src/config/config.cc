#include "config/config.h"

namespace shim::config {

image::MatchRule effective_rule(const Registry& registry) {
  const Routing& routing = registry.routing;
  image::MatchRule rule = image::default_rule(registry.address);
  if (routing.match) rule.match = *routing.match;
  rule.exclude = routing.exclude;
  rule.namespaces = routing.namespaces;
  return rule;
}

}  // namespace shim::config
