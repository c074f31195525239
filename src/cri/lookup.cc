#include "cri/lookup.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

namespace shim::cri {
namespace {

boost::asio::awaitable<Lookup> ask(const Call& call, wire::ImageStatusRequest request, std::string name) {
  request.mutable_image()->set_image(name);
  Lookup lookup;
  lookup.reply = co_await call.runtime.call(call.caller, Service::image, "ImageStatus", request.SerializeAsString(),
                                            call.timeout);
  lookup.name = std::move(name);
  // What does not parse counts as not present: the runtime's octets are what the caller gets.
  if (lookup.reply.is_ok() && !lookup.reply.is_compressed) lookup.status.ParseFromString(lookup.reply.message);
  co_return lookup;
}

boost::asio::awaitable<std::vector<Lookup>> ask_all(const Call& call, const wire::ImageStatusRequest& request,
                                                    const std::vector<std::string>& names) {
  std::vector<Lookup> lookups(names.size());
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto ask_one = [&](std::size_t index) -> boost::asio::awaitable<void> {
    lookups[index] = co_await ask(call, request, names[index]);
  };
  const auto begin = [&](std::size_t index) {
    return boost::asio::co_spawn(executor, ask_one(index), boost::asio::deferred);
  };
  std::vector<decltype(begin(0))> questions;
  for (std::size_t i = 0; i < names.size(); ++i) questions.push_back(begin(i));
  co_await boost::asio::experimental::make_parallel_group(std::move(questions))
      .async_wait(boost::asio::experimental::wait_for_all(), boost::asio::use_awaitable);
  co_return lookups;
}

std::vector<std::string> other_names(const Call& call, const image::Reference& reference,
                                     std::string_view pod_namespace, const std::string& asked) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (name != asked && std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  add(reference.original());
  for (const registry::Candidate& candidate : call.resolver.names(reference, pod_namespace)) {
    if (!candidate.is_original) add(candidate.name);
  }
  return names;
}

}  // namespace

boost::asio::awaitable<Lookup> look_up(const Call& call, const image::Reference& reference,
                                       wire::ImageStatusRequest request) {
  const std::string first_name = call.names.pulled_name(reference).value_or(reference.original());
  Lookup first = co_await ask(call, request, first_name);
  if (!first.reply.is_ok() || first.reply.is_compressed || first.is_found()) co_return first;

  // No sandbox comes with these calls: rules with `namespaces` are looked through as well, since what the runtime has
  // was allowed when it was pulled.
  const std::vector<std::string> names = other_names(call, reference, {}, first_name);
  if (names.empty()) co_return first;
  std::vector<Lookup> lookups = co_await ask_all(call, request, names);
  for (Lookup& lookup : lookups) {
    if (!lookup.is_found()) continue;
    if (lookup.name != reference.original()) call.names.remember(reference, lookup.name);
    co_return std::move(lookup);
  }
  const auto failed = std::ranges::find_if(lookups, [](const Lookup& lookup) { return !lookup.reply.is_ok(); });
  if (failed != lookups.end()) co_return std::move(*failed);
  co_return first;
}

}  // namespace shim::cri
