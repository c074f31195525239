#include "fake_registry/fake_registry.h"

#include <utility>

#include "fake_registry/server.h"

namespace shim::test {

FakeRegistry::FakeRegistry(FakeRegistryOptions options)
    : scheme_(options.tls ? "https://" : "http://"), server_(std::make_unique<FakeServer>(options)) {
  server_->with_protocol([&](Protocol& protocol) { protocol.set_url(url()); });
}

FakeRegistry::~FakeRegistry() = default;

std::uint16_t FakeRegistry::port() const {
  return server_->endpoint().port();
}
std::string FakeRegistry::host() const {
  return server_->endpoint().address().to_string() + ":" + std::to_string(port());
}
std::string FakeRegistry::url() const {
  return scheme_ + host();
}

void FakeRegistry::put_manifest(const std::string& repository, const std::string& reference, Manifest manifest) {
  server_->with_protocol(
      [&](Protocol& protocol) { protocol.put_manifest(repository, reference, std::move(manifest)); });
}

void FakeRegistry::set_fault(const std::string& repository, Fault fault) {
  server_->with_protocol([&](Protocol& protocol) { protocol.set_fault(repository, std::move(fault)); });
}

void FakeRegistry::clear_faults() {
  server_->with_protocol([](Protocol& protocol) { protocol.clear_faults(); });
}

void FakeRegistry::revoke_tokens() {
  server_->with_protocol([](Protocol& protocol) { protocol.revoke_tokens(); });
}

std::vector<RecordedRequest> FakeRegistry::requests() const {
  return server_->with_protocol([](Protocol& protocol) { return protocol.requests; });
}

void FakeRegistry::wait_for_requests(std::size_t count) const {
  server_->wait_for_requests(count);
}
void FakeRegistry::wait_for_closed_connection() const {
  server_->wait_for_closed_connection();
}

}  // namespace shim::test
