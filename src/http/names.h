// Host names to addresses for the I/O thread, so that a name server that does not answer holds up nobody else.
//
// A name is looked up once at a time, however many ask; who asks stops waiting at his own deadline, and the look-up
// goes on for the others and the next. At most 16 threads, divided so that hanging names cannot use them all: one reads
// the hosts file, which is asked first, as the runtime beside us (Go) does, and always ends; four are for names that
// had an address before; eleven for the rest. Addresses are kept for a minute, failures are not kept. Internal to
// http/.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "http/look_up.h"

namespace shim::http {

class Names {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::size_t kHostsFileThreads = 1;
  static constexpr std::size_t kKnownNameThreads = 4;
  static constexpr std::size_t kNewNameThreads = 11;
  static constexpr std::size_t kMaxLookUps = 256;  // in progress, waiting for a thread included
  static constexpr std::size_t kMaxKept = 256;
  static constexpr std::chrono::seconds kKeptFor{60};

  struct Options {
    LookUp look_up = look_up_with_system;  // on threads of its own, several at a time
    std::string hosts_file = "/etc/hosts";
    std::function<TimePoint()> now = std::chrono::steady_clock::now;
  };
  // Why there are no addresses. The message says so without the host.
  struct Miss : Error {
    enum class Kind { failed, timed_out, cancelled, crowded };
    Kind kind = Kind::failed;
  };
  using Found = std::expected<Addresses, Miss>;

  Names(boost::asio::any_io_executor executor, Options options);
  Names(Names&&) = delete;
  // As stop().
  ~Names();

  // `host` in lower case, without brackets. Waits until `deadline` (of the steady clock) at most.
  boost::asio::awaitable<Found> find(std::string host, TimePoint deadline);

  // Gives up every look-up; who waits for one is told that it was cancelled. Threads that hang are not waited for.
  // REQUIRES: the executor's context exists.
  void stop();

 private:
  struct Flight;
  struct State;
  class Waiting;

  static boost::asio::awaitable<void> fly(std::shared_ptr<State> state, std::string host,
                                          std::shared_ptr<Flight> flight);

  std::shared_ptr<State> state_;  // shared with the look-ups in progress
};

}  // namespace shim::http
