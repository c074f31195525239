// An HTTP client on the I/O thread: libcurl's multi interface driven by Boost.Asio.
//
// It sends one request and gives its answer back. It follows no redirect, keeps no cookies, reads no netrc and knows no
// authentication: who may be sent which secret is the caller's decision (DESIGN 4). Connections are kept and shared
// between requests, HTTP/2 is used over TLS where the server offers it, proxies come from the environment. Every
// answer is bounded in time and in bytes.
//
// A dead host slows down no other. Names are looked up on threads of their own, at most 16 (names.h), and the requests
// that one origin has at a time are bounded, the others waiting their turn within their time.
//
// Nothing is initialised before the first request: a shim without a registry pays for neither TLS nor CA certificates.
// Everything else runs on the thread of the executor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "http/headers.h"
#include "http/look_up.h"
#include "http/peer_certificate.h"
#include "http/proxy.h"
#include "http/tls_options.h"

namespace shim::http {

enum class Method { get, head, post };

struct Request {
  Method method = Method::get;
  std::string url;                      // absolute, http or https, without user info
  std::string unix_socket;              // connect to this path instead of the URL's host, past any proxy
  Headers headers;                      // nothing secret
  std::optional<Secret> authorization;  // value of the `Authorization` field
  std::string content_type;             // of `body`
  Secret body;                          // POST only; a secret, as OAuth2 grants carry tokens
  TlsOptions tls;
  std::chrono::milliseconds timeout{30'000};  // for all of it: name look-up, waiting for its turn, exchange
  std::size_t max_header_bytes = 64 * 1024;
  std::size_t max_body_bytes = 4 * 1024 * 1024;
  // Takes the body of a 2xx answer piece by piece as it arrives, instead of Response::body and without
  // `max_body_bytes`: a stream that may go on for as long as `timeout` says. False ends the exchange, which then gives
  // its Response as if the body had ended there. The first piece is empty: the head has come. Other answers are
  // collected as always. A stream that has begun does not count among the requests at its origin, and has TCP
  // keep-alive: a dead peer is noticed within a minute.
  // It is called from inside of libcurl: it must neither throw, nor make a request, nor destroy the Client.
  std::function<bool(std::string_view piece)> on_body;
  // The longest wait for the head of the answer, look-up and turn included; 0: none but `timeout`.
  std::chrono::milliseconds head_timeout{0};
  // The longest silence of the peer once its answer has begun (Failure::Kind::timed_out); 0: none but `timeout`.
  std::chrono::milliseconds idle_timeout{0};
  bool wants_certificate = false;  // Response::certificate, of a connection that is made for it
  // Instead of the environment's choice: the URL of a proxy, or "" for none.
  std::optional<std::string> proxy;
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;
  std::chrono::microseconds elapsed{0};
  std::optional<PeerCertificate> certificate;  // where it was wanted, over TLS
};

// Why there is no answer. The message names the peer, the stage and what to do, and never holds a secret.
struct Failure : Error {
  enum class Kind {
    invalid,      // the request cannot be sent: its URL or a header field is not valid, a TLS file cannot be read
    unreachable,  // name look-up, connect, reset, end of connection, a proxy that failed
    tls,          // handshake or verification
    timed_out,    // the peer, or the name server, has not answered in `time_given`
    queued,       // half or more of its time went by behind requests of our own, or names of others: shows nothing
                  // about the peer
    too_large,    // the answer is over a limit of the request
    cancelled,    // the awaiting coroutine was cancelled
  };
  Kind kind = Kind::unreachable;
  // Of a request's time, what the peer had: without waiting for a turn.
  std::chrono::milliseconds time_given{0};
  bool was_connected = false;  // the peer, or the proxy to it, had accepted a connection
  bool was_answered = false;   // the head of its answer had come
};

struct ClientOptions {
  std::string user_agent;                    // empty: `image-cri-shim/<version>`
  std::size_t max_connections_per_host = 8;  // requests at one origin at a time; further ones wait within their time
  std::size_t max_idle_connections = 32;     // kept for reuse, over all hosts
  std::optional<ProxyEnvironment> proxies;   // instead of the process's environment
  LookUp look_up;                            // instead of getaddrinfo; runs on threads of its own, several at a time
  std::string hosts_file = "/etc/hosts";     // asked before `look_up`
};

class Engine;

class Client {
 public:
  explicit Client(boost::asio::any_io_executor executor, ClientOptions options = {});
  Client(Client&&) = delete;
  ~Client();

  // REQUIRES: called on the executor's thread, which is also the caller's. Cancelling the awaiting coroutine aborts the
  // transfer at once and gives Failure::Kind::cancelled. A request in progress may outlive the Client; one that waits
  // for a name look-up then ends as cancelled.
  boost::asio::awaitable<std::expected<Response, Failure>> request(Request request);

 private:
  std::shared_ptr<Engine> engine_;
};

}  // namespace shim::http
