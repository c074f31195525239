// A request that waits until it is known where it goes: what arrives is kept (at most the stream's window), and
// replayed to the listener that takes the stream over.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "http2/header_list.h"
#include "http2/stream.h"

namespace shim::proxy {

class HeldRequest final : public http2::StreamListener {
 public:
  HeldRequest(boost::asio::io_context& io, http2::Stream& stream, http2::HeaderList headers, bool is_end)
      : stream_(&stream),
        headers_(std::move(headers)),
        has_ended_(is_end),
        ended_with_headers_(is_end),
        ended_(io, boost::asio::steady_timer::time_point::max()) {
    stream.set_listener(this);
  }

  // Null once the client has reset the call.
  http2::Stream* stream() const { return stream_; }
  http2::HeaderList& headers() { return headers_; }
  bool ended_with_headers() const { return ended_with_headers_; }
  // Emitted when the client resets the call.
  boost::asio::cancellation_slot cancelled() { return cancel_.slot(); }

  // What has arrived of the body.
  const std::string& body() const { return body_; }
  void replace_body(std::string body) { body_ = std::move(body); }
  // Returns when the request is complete, or when the client has reset the call.
  boost::asio::awaitable<void> wait_for_end() {
    boost::system::error_code woken;
    if (!has_ended_ && stream_ != nullptr) {
      co_await ended_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    }
  }

  // Gives what was kept to the listener that has taken the stream over, if any has.
  void replay_to(http2::Stream& stream) {
    if (!body_.empty() && stream.listener() != nullptr) stream.listener()->on_data(body_);
    if (has_ended_ && !ended_with_headers_ && stream.listener() != nullptr) stream.listener()->on_end();
  }

  void on_headers(http2::HeaderList&&, bool) override {}
  void on_data(std::string_view octets) override { body_.append(octets); }
  void on_trailers(http2::HeaderList&&) override { on_end(); }
  void on_end() override {
    has_ended_ = true;
    ended_.cancel();
  }
  void on_taken(std::size_t) override {}
  void on_close(std::uint32_t, bool) override {
    stream_ = nullptr;
    ended_.cancel();
    cancel_.emit(boost::asio::cancellation_type::terminal);
  }

 private:
  http2::Stream* stream_;
  http2::HeaderList headers_;
  std::string body_;
  bool has_ended_;
  bool ended_with_headers_;
  boost::asio::steady_timer ended_;  // never expires; cancelled to wake wait_for_end()
  boost::asio::cancellation_signal cancel_;
};

// The end of a coroutine that cancelled() is bound to. One that never waited looks at the slot in a later turn of the
// loop, when its own reference is gone.
inline auto until_its_end(std::shared_ptr<HeldRequest> held) {
  return [held = std::move(held)](const std::exception_ptr&) {};
}

}  // namespace shim::proxy
