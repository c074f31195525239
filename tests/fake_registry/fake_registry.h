// A small honest fake of a registry, on a thread of its own. Ready when constructed, gone when destroyed.
//
// Any thread may call it. It checks users, tokens and their scopes as a registry does, and records what it was sent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fake_registry/protocol.h"

namespace shim::test {

class FakeServer;

class FakeRegistry {
 public:
  // Throws where it cannot listen.
  explicit FakeRegistry(FakeRegistryOptions options = {});
  FakeRegistry(FakeRegistry&&) = delete;
  ~FakeRegistry();

  std::uint16_t port() const;
  // `127.0.0.1:port`, as it stands in image names.
  std::string host() const;
  // `http://127.0.0.1:port`, or https.
  std::string url() const;

  // Under its digest, too.
  void put_manifest(const std::string& repository, const std::string& reference, Manifest manifest = image_manifest());
  void set_fault(const std::string& repository, Fault fault);
  void clear_faults();
  // Tokens issued so far are refused from now on.
  void revoke_tokens();
  // What came in so far, in order, without calls of the control endpoint.
  std::vector<RecordedRequest> requests() const;
  // Blocks until that many requests came in.
  void wait_for_requests(std::size_t count) const;
  // Blocks until a client has closed a connection while this registry was answering or waiting.
  void wait_for_closed_connection() const;

 private:
  std::string scheme_;
  std::unique_ptr<FakeServer> server_;
};

}  // namespace shim::test
