// For the tests of this folder: registries as entries, and resolutions run to an answer.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fake_registry/fake_registry.h"
#include "http/client.h"
#include "registry/resolver.h"

namespace shim::registry::testing {

inline image::Reference reference(const std::string& text) {
  return image::Reference::parse(text).value();
}

inline Entry entry_at(const std::string& address, int priority) {
  Entry entry{.address = image::Address::parse(address).value()};
  entry.priority = priority;
  entry.rule = default_rule(entry.address);
  return entry;
}

// What was asked: `HEAD /v2/library/nginx/manifests/1.25`.
inline std::vector<std::string> asked(const test::FakeRegistry& registry) {
  std::vector<std::string> list;
  for (const auto& request : registry.requests()) list.push_back(request.method + " " + request.target);
  return list;
}

// A Resolver on its I/O thread, which is the test's. Time-outs are long, so that none ends what a test waits for, but
// where the test is about them.
class ResolverTest : public ::testing::Test {
 protected:
  ~ResolverTest() override { resolver_.reset(); }

  Resolver& make_resolver(std::vector<Entry> entries) {
    resolver_ = std::make_unique<Resolver>(std::move(entries), options_, http_, context_.get_executor());
    return *resolver_;
  }
  std::unique_ptr<Resolution> resolve(const std::string& image = "nginx:1.25", ResolveRequest request = {}) {
    return resolver_->resolve(reference(image), std::move(request));
  }

  template <class Predicate>
  void run_until(Predicate is_done) {
    context_.restart();
    while (!is_done()) context_.run_one_for(std::chrono::milliseconds(10));
  }
  void run_for(std::chrono::milliseconds time) {
    context_.restart();
    context_.run_for(time);
  }
  // The name that the resolution gives next; empty where there is none.
  std::string next(Resolution& resolution) {
    std::optional<Candidate> candidate;
    bool has_ended = false;
    boost::asio::co_spawn(context_, resolution.next(),
                          [&](const std::exception_ptr& thrown, std::optional<Candidate> found) {
                            EXPECT_FALSE(thrown);
                            candidate = std::move(found);
                            has_ended = true;
                          });
    run_until([&] { return has_ended; });
    return candidate ? candidate->name : "";
  }
  std::string first_of(const std::string& image) { return next(*resolve(image)); }
  std::vector<std::string> walk(Resolution& resolution) {
    std::vector<std::string> names;
    for (std::string name = next(resolution); !name.empty(); name = next(resolution)) names.push_back(name);
    return names;
  }
  std::vector<std::string> walk(const std::string& image) { return walk(*resolve(image)); }
  static std::vector<Outcome::Kind> kinds(const Resolution& resolution) {
    std::vector<Outcome::Kind> list;
    for (const Outcome& outcome : resolution.outcomes()) list.push_back(outcome.kind);
    return list;
  }
  const RegistryStatistics counted(std::size_t entry) const { return resolver_->statistics().registries.at(entry); }
  bool is_left_out(std::size_t entry) const { return counted(entry).breaker.is_open; }

  ResolverOptions options_{.probe_timeout = std::chrono::seconds(10), .hedge_delay = std::chrono::seconds(10)};
  boost::asio::io_context context_{1};
  http::Client http_{context_.get_executor()};
  std::unique_ptr<Resolver> resolver_;
};

}  // namespace shim::registry::testing
