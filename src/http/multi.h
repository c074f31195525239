// libcurl's multi handle on an Asio executor: its sockets and its timer become asynchronous waits, so that transfers
// run between the other work of the I/O thread. Internal to http/.
#pragma once

#include <curl/curl.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <unordered_map>

#include "http/client.h"

namespace shim::http {

// Waits hold weak references and a transfer's coroutine a strong one: a Multi goes with its last transfer, and a wait
// that ends later does nothing.
class Multi : public std::enable_shared_from_this<Multi> {
 public:
  // REQUIRES: start_libcurl() was called.
  Multi(boost::asio::any_io_executor executor, const ClientOptions& options);
  Multi(Multi&&) = delete;
  ~Multi();

  enum class Duration {
    short_lived,
    stream,  // its connection has TCP keep-alive
  };
  // Runs the transfer to its end; nothing where the awaiting coroutine was cancelled. The handle is out of the multi
  // handle when this returns or is destroyed.
  boost::asio::awaitable<std::optional<CURLcode>> perform(CURL* easy, Duration duration);
  // Ends a transfer in progress as timed out; no other uses its connection afterwards.
  // REQUIRES: not called from libcurl's callbacks.
  static void give_up(CURL* easy);

 private:
  struct Watch;
  struct Completion;
  class Running;
  enum class Direction { read, write };

  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* unused);
  static int on_timeout(CURLM* multi, long milliseconds, void* self);

  int watch(curl_socket_t socket, int what);
  void unwatch(curl_socket_t socket);
  void arm(const std::shared_ptr<Watch>& watch, Direction direction);
  void act(curl_socket_t socket, int events);
  void complete_finished();

  boost::asio::any_io_executor executor_;
  boost::asio::steady_timer timer_;
  CURLM* multi_ = nullptr;
  std::unordered_map<curl_socket_t, std::shared_ptr<Watch>> watches_;
};

// Initialises libcurl, and with it the TLS library, once in the process.
void start_libcurl();

}  // namespace shim::http
