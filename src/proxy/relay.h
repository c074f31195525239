// The passthrough: one RPC carried between a client's stream and the runtime's, octet for octet.
//
// Headers, messages, trailers, resets and their error codes go through as they come; flow control is end to end: the
// window of one side is given back when the other side took the octets. Nothing is decoded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http2/grpc.h"
#include "http2/header_list.h"
#include "http2/stream.h"
#include "proxy/call_record.h"
#include "proxy/message_rewriter.h"
#include "proxy/runtime_link.h"

namespace shim::proxy {

class Relay {
 public:
  // Where the call is counted, and its octets.
  struct Accounts {
    CallRecord record;
    cri::CallStatistics& statistics;
  };

  // Takes `client` over and opens the runtime's stream with `headers` (`:path` already in the runtime's dialect).
  // Where the runtime cannot be reached the client gets UNAVAILABLE. Deletes itself when both streams have closed.
  static void start(http2::Stream& client, const http2::HeaderList& headers, bool is_end, RuntimeLink& link,
                    Accounts accounts);
  // The same, with the runtime's messages rewritten on their way.
  static void start_rewriting(http2::Stream& client, const http2::HeaderList& headers, RuntimeLink& link,
                              Accounts accounts, MessageRewriter rewriter);

 private:
  // What the two directions have in common. `other` is the half that octets go to.
  class Half : public http2::StreamListener {
   public:
    Half(Relay& relay, Half& other, std::uint64_t& received) : received_(received), relay_(relay), other_(other) {}
    virtual ~Half() = default;

    void on_data(std::string_view octets) override;
    void on_trailers(http2::HeaderList&& trailers) override;
    void on_end() override;
    void on_taken(std::size_t octets) override;

    http2::Stream* stream = nullptr;  // null once it is closed

   protected:
    std::uint64_t& received_;  // octets of all calls
    Relay& relay_;
    Half& other_;
  };

  class ClientHalf final : public Half {
   public:
    using Half::Half;
    void on_headers(http2::HeaderList&&, bool) override {}
    void on_taken(std::size_t octets) override;
    void on_close(std::uint32_t error_code, bool connection_lost) override;
  };

  class RuntimeHalf final : public Half {
   public:
    using Half::Half;
    void on_headers(http2::HeaderList&& headers, bool is_end) override;
    void on_data(std::string_view octets) override;
    void on_trailers(http2::HeaderList&& trailers) override;
    void on_end() override;
    void on_close(std::uint32_t error_code, bool connection_lost) override;
    // Gives the window of what has been rewritten back, unless the client lags behind.
    void give_back_rewritten();

   private:
    void rewrite(std::string_view octets);
    void fail_client(http2::StatusCode code, const std::string& message);

    bool headers_were_sent_ = false;
    std::size_t withheld_ = 0;  // octets of the runtime's whose window is not given back yet
  };

  Relay(std::string socket_path, Accounts accounts, std::optional<MessageRewriter> rewriter)
      : socket_path_(std::move(socket_path)),
        record_(std::move(accounts.record)),
        rewriter_(std::move(rewriter)),
        client_(*this, runtime_, accounts.statistics.octets_to_runtime),
        runtime_(*this, client_, accounts.statistics.octets_to_client) {}
  static void start(http2::Stream& client, const http2::HeaderList& headers, bool is_end, RuntimeLink& link,
                    Accounts accounts, std::optional<MessageRewriter> rewriter);
  void delete_when_closed();

  const std::string socket_path_;
  CallRecord record_;
  std::optional<MessageRewriter> rewriter_;
  ClientHalf client_;
  RuntimeHalf runtime_;
};

// Answers a client's stream with a status of the shim's own, and ends the call.
void answer_with_error(http2::Stream& client, http2::StatusCode code, std::string message);

}  // namespace shim::proxy
