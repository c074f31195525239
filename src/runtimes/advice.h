// Whether the runtime can pull from a configured registry with its own settings, and if not, what to write where.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/tls_options.h"
#include "image/address.h"
#include "runtimes/settings.h"

namespace shim::runtimes {

struct Advice {
  enum class Kind {
    works,
    unsure,  // it may, or it does something else than the shim expects
    fails,
  };
  Kind kind = Kind::works;
  std::string what{};  // one clause
  std::string hint{};  // lines; a text to write into a file is indented below a line that names the file
};

// A configured registry, as the runtime has to speak to it.
struct Registry {
  image::Address address;
  http::TlsOptions tls{};
  // Whether it can be spoken to with the system's certificates alone; nothing where that is not known. Only of interest
  // where needs_settings().
  std::optional<bool> is_trusted_without{};
};

// Whether the runtime has to be told of this registry: plain HTTP beyond loopback, or TLS with settings of its own.
bool needs_settings(const Registry& registry);

// Reads the files that `settings` names, bounded. Blocks on the disk.
Advice advise(const RuntimeSettings& settings, const Registry& registry);

// Where the name of the sandbox image is set, with the line to write for `image`.
std::string sandbox_image_setting(const RuntimeSettings& settings, std::string_view image);

}  // namespace shim::runtimes
