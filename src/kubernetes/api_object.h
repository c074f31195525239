// What an API server sends about one ConfigMap, checked: the object, the events of a watch, a Status. Pure.
//
// Text of any kind is safe to pass; errors say what is wrong with it, and are one clause without a subject:
// `no JSON (at byte 3)`, `a Secret instead of a ConfigMap`.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace shim::kubernetes {

// One key of one ConfigMap.
struct ConfigMapKey {
  std::string name_space;
  std::string name;
  std::string key;

  // `kube-system/image-cri-shim`
  std::string place() const { return name_space + "/" + name; }
};

struct ConfigMap {
  std::optional<std::string> text;  // the value of the key
  std::string resource_version;     // opaque
};

// Why a request has no other answer (meta/v1 Status).
struct Status {
  int code = 0;
  std::string reason;   // `Forbidden`, `Expired`; printable
  std::string message;  // for people; printable, shortened
  std::optional<std::chrono::seconds> retry_after;
  // Whom the server took us for, from the message of a 403; empty where it does not say.
  std::string user;
};

struct Event {
  enum class Kind { present, deleted, bookmark, error };
  Kind kind = Kind::error;
  ConfigMap config_map;  // of a bookmark and of what was deleted, the resource version alone
  Status status;         // of an error
};

// Errors: not JSON, of another kind, name or namespace, without a resource version, a value that is no text.
Expected<ConfigMap> parse_config_map(std::string_view text, const ConfigMapKey& wanted);
Expected<Event> parse_event(std::string_view frame, const ConfigMapKey& wanted);
Expected<Status> parse_status(std::string_view text);

}  // namespace shim::kubernetes
