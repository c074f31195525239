// Keeps the names of a NameStore on disk: read before anything is served, written after each change (DESIGN 5).
//
// The disk is another thread's, one job at a time and in order; while one is written, changes gather for the next. A
// disk that fails is said once, and once when it works again; the names go on in memory, and are written with the next
// change or after a while. A disk that hangs holds up nothing else. On the I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "cri/name_file.h"
#include "cri/name_store.h"

namespace shim::cri {

class NameKeeper {
 public:
  // Called on another thread, one at a time, and maybe still when the NameKeeper is gone. They must not throw.
  struct Disk {
    std::function<StoredNames()> read;
    std::function<Expected<void>(const std::vector<RememberedName>& names)> write;
  };
  struct Options {
    std::chrono::milliseconds first_retry = std::chrono::seconds(5);  // after a write that failed; doubled each time …
    std::chrono::milliseconds last_retry = std::chrono::minutes(5);   // … up to this
  };

  // Begins to read. It must be destroyed before the executor's context.
  NameKeeper(const boost::asio::any_io_executor& executor, std::shared_ptr<NameStore> names, Disk disk,
             Options options);
  NameKeeper(const NameKeeper&) = delete;
  NameKeeper& operator=(const NameKeeper&) = delete;
  ~NameKeeper();

  // Ends when the store has what is on disk, at most after `patience`. What comes later than that is added then, and
  // nothing is written before. For one caller at a time.
  boost::asio::awaitable<void> loaded(std::chrono::milliseconds patience);
  // Ends when all that the store has is on disk, when another attempt to write it has failed, or after `patience`. For
  // one caller at a time.
  boost::asio::awaitable<void> flush(std::chrono::milliseconds patience);

 private:
  struct State;

  static boost::asio::awaitable<void> keep(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

// The file in the state directory `folder`.
NameKeeper::Disk state_directory(const std::string& folder);

}  // namespace shim::cri
