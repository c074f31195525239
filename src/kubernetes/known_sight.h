// What has been told of a ConfigMap, so that nothing is told twice. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>

#include "kubernetes/config_map_watch.h"

namespace shim::kubernetes {

class KnownSight {
 public:
  static constexpr std::size_t kMaxReasons = 16;

  // Whether that is to be told; if so it counts as told. A resource version alone is no news.
  bool is_news(const Sight& sight);
  // It works again: the next failure is told, whatever its reason.
  void forget_reasons() { reasons_.clear(); }

 private:
  bool is_new_reason(const std::string& reason);

  std::optional<Sight> last_;      // Present or Absent
  std::set<std::string> reasons_;  // why nothing was known since
};

}  // namespace shim::kubernetes
