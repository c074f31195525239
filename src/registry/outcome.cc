#include "registry/outcome.h"

namespace shim::registry {

std::string_view kind_name(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::holds:
      return "holds";
    case Outcome::Kind::absent:
      return "absent";
    case Outcome::Kind::other_platform:
      return "other-platform";
    case Outcome::Kind::refused:
      return "refused";
    case Outcome::Kind::unreachable:
      return "unreachable";
    case Outcome::Kind::failed:
      return "failed";
    case Outcome::Kind::not_asked:
      return "not-asked";
    case Outcome::Kind::pull_failed:
      return "pull-failed";
  }
  return "unknown";
}

}  // namespace shim::registry
