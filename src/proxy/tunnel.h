// One client connection and its way to the runtime: decides for each call whether it is relayed or handled.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/byte_budget.h"
#include "base/snapshot.h"
#include "cri/call_statistics.h"
#include "cri/image_calls.h"
#include "http2/connection.h"
#include "http2/flush_queue.h"
#include "http2/unix_socket.h"
#include "proxy/call_record.h"
#include "proxy/deadline_queue.h"
#include "proxy/dialects.h"
#include "proxy/image_call.h"
#include "proxy/method.h"
#include "proxy/runtime_call.h"
#include "proxy/runtime_link.h"
#include "proxy/runtime_presence.h"

namespace shim::proxy {

class HeldRequest;

// What all tunnels of the daemon share; outlives them.
struct TunnelContext {
  boost::asio::io_context& io;
  http2::FlushQueue& flush_queue;
  DeadlineQueue& deadlines;
  ByteBudget& message_budget;
  Dialects& dialects;
  cri::CallStatistics& statistics;
  const Snapshot<cri::ImageCalls>& image_calls;
  std::string runtime_socket;
  http2::Limits limits;
  std::size_t max_message;  // octets of one image message
  RuntimePresence presence{};
};

class Tunnel final : public std::enable_shared_from_this<Tunnel>,
                     private http2::ConnectionListener,
                     private cri::Runtime {
 public:
  // Told once, when the client's connection is over.
  class Observer {
   public:
    virtual void on_tunnel_closed(Tunnel& tunnel, std::string_view reason) = 0;

   protected:
    ~Observer() = default;
  };

  Tunnel(TunnelContext& context, Observer& observer);
  ~Tunnel();

  void start(http2::UnixSocket socket);
  // RFC 9113 §6.8: no new calls from the client soon, then from now; those in flight go on.
  void announce_end() { client_->announce_goaway(); }
  void refuse_new_calls() { client_->finish_goaway(); }
  void close(std::string_view reason) { client_->close(reason); }
  std::size_t calls_in_flight() const { return client_->open_streams(); }
  // A mark in the sequence of this client's calls, and whether one from before it is in flight.
  std::int32_t last_call() const { return client_->last_stream(); }
  bool has_calls_up_to(std::int32_t mark) const { return client_->has_streams_up_to(mark); }

 private:
  // http2::ConnectionListener
  void on_request(http2::Stream& stream, http2::HeaderList&& headers, bool is_end) override;
  void on_closed(http2::Connection& connection, std::string_view reason) override;
  // cri::Runtime
  boost::asio::awaitable<cri::Reply> call(const cri::Caller& caller, cri::Service service, std::string_view method,
                                          std::string message, std::chrono::nanoseconds time_limit) override;

  void dispatch(http2::Stream& stream, http2::HeaderList headers, bool is_end, const Method& method, Dialect target,
                CallRecord record);
  static boost::asio::awaitable<void> dispatch_when_known(std::shared_ptr<Tunnel> self,
                                                          std::shared_ptr<HeldRequest> held, Method method,
                                                          CallRecord record);
  static boost::asio::awaitable<void> stream_images(std::shared_ptr<Tunnel> self, std::shared_ptr<HeldRequest> held,
                                                    Method method, std::shared_ptr<const cri::ImageCalls> calls,
                                                    CallRecord record);
  void handle(http2::Stream& stream, http2::HeaderList headers, bool is_end, CallRecord record,
              ImageCall::Handler handler);
  boost::asio::awaitable<cri::Reply> call_when_known(const cri::Caller& caller, cri::Service service,
                                                     std::string method, std::string message,
                                                     std::chrono::nanoseconds time_limit);
  Dialects::Ask asker();
  static boost::asio::awaitable<std::optional<http2::Status>> ask(std::shared_ptr<Tunnel> self, Dialect dialect,
                                                                  cri::Service service);
  CallLimits limits();

  TunnelContext& context_;
  Observer& observer_;
  std::shared_ptr<http2::Connection> client_;
  RuntimeLink link_;
};

}  // namespace shim::proxy
