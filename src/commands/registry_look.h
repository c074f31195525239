// What a registry shows to anybody: its certificate, its clock, where it sends who asks it. For `check`, beside the
// question that a pull asks (registry_check.h).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "http/client.h"
#include "registry/entry.h"

namespace shim::commands {

struct RegistryLook {
  std::optional<http::PeerCertificate> certificate{};  // also one that is not accepted
  std::optional<std::chrono::seconds> ahead{};         // of this node's clock, by its `Date`; below 0: behind
  std::string redirect{};                              // absolute URL that GET /v2/ is sent to; empty: it is not
};

// GET /v2/ without credentials, by the entry's `tls`; where the certificate is not accepted, again, to see it: without
// verification, and without the client's certificate. Nothing is known of one that does not answer.
boost::asio::awaitable<RegistryLook> look_at_registry(http::Client& http, registry::Entry entry,
                                                      std::chrono::steady_clock::time_point deadline);

}  // namespace shim::commands
