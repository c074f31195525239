#include "cri/lookup.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace shim::cri {
namespace {

using http2::StatusCode;

// Whether an ImageStatusResponse has its `image`, without parsing the image: every pod's start asks this.
bool has_image(const std::string& response) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream fields(reinterpret_cast<const std::uint8_t*>(response.data()),
                                                static_cast<int>(response.size()));
  constexpr auto kImage =
      WireFormatLite::MakeTag(wire::ImageStatusResponse::kImageFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  while (const std::uint32_t tag = fields.ReadTag()) {
    if (tag == kImage) return true;
    if (!WireFormatLite::SkipField(&fields, tag)) return false;
  }
  return false;
}

std::string with_name(const std::string& question, const std::string& name) {
  wire::ImageStatusRequest request;
  if (!request.ParseFromString(question)) return question;
  request.mutable_image()->set_image(name);
  return request.SerializeAsString();
}

boost::asio::awaitable<Reply> ask(const Call& call, std::string question) {
  return call.runtime.call(call.caller, Service::image, "ImageStatus", std::move(question), call.timeout);
}

Lookup lookup_of(Reply reply, std::string name) {
  const bool is_found = reply.is_ok() && !reply.is_compressed && has_image(reply.message);
  return {std::move(reply), std::move(name), is_found};
}

boost::asio::awaitable<void> ask_one(const Call& call, std::string question, std::string name, Lookup& result) {
  Reply reply = co_await ask(call, std::move(question));
  result = lookup_of(std::move(reply), std::move(name));
}

boost::asio::awaitable<std::vector<Lookup>> ask_all(const Call& call, const std::string& question,
                                                    const std::vector<std::string>& names) {
  std::vector<Lookup> lookups(names.size());
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto begin = [&](std::size_t index) {
    return boost::asio::co_spawn(executor,
                                 ask_one(call, with_name(question, names[index]), names[index], lookups[index]),
                                 boost::asio::deferred);
  };
  std::vector<decltype(begin(0))> questions;
  for (std::size_t i = 0; i < names.size(); ++i) questions.push_back(begin(i));
  co_await boost::asio::experimental::make_parallel_group(std::move(questions))
      .async_wait(boost::asio::experimental::wait_for_all(), boost::asio::use_awaitable);
  co_return lookups;
}

std::vector<std::string> other_names(const Call& call, const image::Reference& reference, const std::string& asked) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (name != asked && std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  add(reference.original());
  for (const registry::Candidate& candidate : call.resolver.names(reference)) {
    if (!candidate.is_original) add(candidate.name);
  }
  return names;
}

// CRI-O fails a question about a name without a host where its registries.conf does not say whose it is; it does not
// know then whether it has the image. Its code for all errors is UNKNOWN.
bool is_unresolved(const Lookup& lookup, const image::Reference& reference) {
  const bool has_host = reference.original().starts_with(reference.host() + "/");
  return !has_host && lookup.name == reference.original() && lookup.reply.status.code == StatusCode::unknown &&
         !lookup.reply.runtime_is_lost && !lookup.reply.is_cancelled;
}

// The canonical name is shown for every spelling, and needs none of its own.
bool is_shown(const NameStore& names, const image::Reference& reference) {
  return reference.original() == reference.canonical() || names.knows(reference);
}

// The image was found as `name`, where `remembered` stood in the store when the search began. What a pull has changed
// since is newer than this.
void learn(NameStore& names, const image::Reference& reference, const std::optional<std::string>& remembered,
           const std::string& name, NameStore::Moment began) {
  if (name == reference.original()) {
    names.forget(reference, began);
  } else if (names.pulled_name(reference) == remembered && (name != remembered || !is_shown(names, reference))) {
    names.remember(reference, name);
  }
}

}  // namespace

std::string question_about(const wire::ImageSpec& image) {
  wire::ImageStatusRequest request;
  *request.mutable_image() = image;
  return request.SerializeAsString();
}

wire::Image image_in(const Lookup& lookup) {
  wire::ImageStatusResponse response;
  response.ParseFromString(lookup.reply.message);
  return std::move(*response.mutable_image());
}

boost::asio::awaitable<Lookup> look_up(const Call& call, const image::Reference& reference, std::string question) {
  const NameStore::Moment began = call.names.now();
  const std::optional<std::string> remembered = call.names.pulled_name(reference);
  const std::string first_name = remembered.value_or(reference.original());
  std::string first_question = remembered ? with_name(question, first_name) : question;
  Reply reply = co_await ask(call, std::move(first_question));
  Lookup first = lookup_of(std::move(reply), first_name);
  if (first.is_found) learn(call.names, reference, remembered, first.name, began);
  const bool first_is_unresolved = is_unresolved(first, reference);
  if ((!first.reply.is_ok() && !first_is_unresolved) || first.reply.is_compressed || first.is_found) co_return first;

  std::vector<std::string> names = other_names(call, reference, first_name);
  if (names.empty()) co_return first;
  if (first_is_unresolved) names.push_back(reference.canonical());
  std::vector<Lookup> lookups = co_await ask_all(call, question, names);
  for (Lookup& lookup : lookups) {
    if (!lookup.is_found) continue;
    learn(call.names, reference, remembered, lookup.name, began);
    co_return std::move(lookup);
  }
  const auto failed = std::ranges::find_if(
      lookups, [&](const Lookup& lookup) { return !lookup.reply.is_ok() && !is_unresolved(lookup, reference); });
  if (failed != lookups.end()) co_return first_is_unresolved ? std::move(first) : std::move(*failed);
  co_return first_is_unresolved ? std::move(lookups.front()) : std::move(first);
}

}  // namespace shim::cri
