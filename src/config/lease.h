// Tells whether somebody writes a file in its place. Linux only, as the daemon is.
#pragma once

#include <signal.h>

#include <chrono>

namespace shim::config {

// A read lease (fcntl(2), F_SETLEASE) on an open file, of this thread: as long as it is held, a program that opens the
// file for writing waits in open(2). The signal that the kernel sends for it is blocked in this thread, and consumed.
class Lease {
 public:
  enum class State {
    held,
    broken,       // somebody has the file open for writing, or waits to
    unavailable,  // no leases on this file system, or not for this user
  };

  // `fd` is open for reading only, and outlives this.
  explicit Lease(int fd);
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease();

  State state() const;
  // The state after at most `time`, at once where it is broken.
  State wait(std::chrono::milliseconds time) const;

 private:
  int fd_;
  State taken_ = State::unavailable;
  sigset_t signals_{};
  sigset_t before_{};
};

}  // namespace shim::config
