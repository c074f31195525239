#include "http/client.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "http/multi.h"
#include "http/transfer.h"
#include "http/url.h"

namespace shim::http {
namespace {

// A line break in a field would let a peer's token or a file's password write fields of its own.
bool is_field_text(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

bool has_valid_fields(const Request& request) {
  for (const Header& field : request.headers.fields()) {
    if (!is_field_text(field.name) || !is_field_text(field.value)) return false;
  }
  return is_field_text(request.content_type) &&
         (!request.authorization || is_field_text(request.authorization->reveal()));
}

std::unexpected<Failure> invalid(std::string message) {
  return std::unexpected(Failure{{std::move(message)}, Failure::Kind::invalid});
}

}  // namespace

// The part of a Client that its requests in progress share. libcurl starts with the first of them.
class Engine {
 public:
  Engine(boost::asio::any_io_executor executor, ClientOptions options)
      : executor_(std::move(executor)), options_(std::move(options)) {
    if (options_.user_agent.empty()) options_.user_agent = "image-cri-shim/" ICS_VERSION;
  }

  Multi& multi() {
    if (!multi_) {
      start_libcurl();
      multi_ = std::make_shared<Multi>(executor_, options_);
    }
    return *multi_;
  }
  const std::string& user_agent() const { return options_.user_agent; }

 private:
  boost::asio::any_io_executor executor_;
  ClientOptions options_;
  std::shared_ptr<Multi> multi_;
};

Client::Client(boost::asio::any_io_executor executor, ClientOptions options)
    : engine_(std::make_shared<Engine>(std::move(executor), std::move(options))) {}

Client::~Client() = default;

boost::asio::awaitable<std::expected<Response, Failure>> Client::request(Request request) {
  const std::shared_ptr<Engine> engine = engine_;
  const auto url = Url::parse(request.url);
  if (!url) co_return invalid("cannot send a request: " + url.error().message);
  if (!has_valid_fields(request)) {
    co_return invalid(url->origin() + ": a header field holds a line break or another control character");
  }
  if (request.timeout.count() <= 0) {
    co_return std::unexpected(Failure{{url->origin() + ": no time left to ask"}, Failure::Kind::timed_out});
  }
  Multi& multi = engine->multi();
  Transfer transfer(request, *url, engine->user_agent());
  co_return transfer.finish(co_await multi.perform(transfer.handle()));
}

}  // namespace shim::http
