// One image call of a client: its request collected, handled by cri/, its reply sent.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/byte_budget.h"
#include "cri/runtime.h"
#include "http2/grpc.h"
#include "http2/header_list.h"
#include "http2/stream.h"
#include "proxy/call_record.h"
#include "proxy/message_intake.h"

namespace shim::proxy {

class ImageCall final : public http2::StreamListener, public std::enable_shared_from_this<ImageCall> {
 public:
  // What handles the collected request; runs as a coroutine that the client's reset or deadline cancels.
  using Handler = std::function<boost::asio::awaitable<cri::Reply>(const cri::Caller& caller, std::string message)>;

  struct Options {
    boost::asio::io_context::executor_type executor;
    std::size_t max_message;  // octets
    ByteBudget& budget;
  };

  // Takes `client` over; keeps itself alive until the stream has closed and the handler has ended.
  static std::shared_ptr<ImageCall> start(http2::Stream& client, http2::HeaderList headers, Options options,
                                          CallRecord record, Handler handler);

  void on_headers(http2::HeaderList&&, bool) override {}
  void on_data(std::string_view octets) override;
  void on_trailers(http2::HeaderList&&) override { on_end(); }
  void on_end() override;
  void on_taken(std::size_t) override {}
  void on_close(std::uint32_t error_code, bool connection_lost) override;

 private:
  ImageCall(http2::Stream& client, http2::HeaderList headers, Options options, CallRecord record, Handler handler);

  static boost::asio::awaitable<void> run(std::shared_ptr<ImageCall> self, std::string message);
  void refuse(http2::StatusCode code, std::string message);
  void send(cri::Reply reply);

  http2::Stream* stream_;  // null once it is closed
  const Options options_;
  CallRecord record_;
  const Handler handler_;
  cri::Caller caller_;
  MessageIntake intake_;
  bool is_refused_ = false;
  ByteBudget::Hold reply_hold_;
  boost::asio::cancellation_signal cancel_;
  std::shared_ptr<ImageCall> self_;  // until on_close()
};

}  // namespace shim::proxy
