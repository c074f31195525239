#include "config/lease.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace shim::config {

Lease::Lease(int fd) : fd_(fd) {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGIO);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  // To this thread alone: in the others the signal is not blocked, and ends the process.
  const struct f_owner_ex owner = {F_OWNER_TID, ::gettid()};
  if (::fcntl(fd, F_SETOWN_EX, &owner) != 0) return;
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
    taken_ = State::held;
  } else if (errno == EAGAIN) {
    taken_ = State::broken;
  }
}

Lease::~Lease() {
  if (taken_ == State::held) ::fcntl(fd_, F_SETLEASE, F_UNLCK);
  const timespec now{};
  while (sigtimedwait(&signals_, nullptr, &now) > 0) {
  }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Lease::State Lease::state() const {
  if (taken_ == State::held && ::fcntl(fd_, F_GETLEASE) != F_RDLCK) return State::broken;
  return taken_;
}

Lease::State Lease::wait(std::chrono::milliseconds time) const {
  if (taken_ != State::held || state() != State::held) return state();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const timespec limit = {seconds.count(), std::chrono::nanoseconds(time - seconds).count()};
  sigtimedwait(&signals_, nullptr, &limit);
  return state();
}

}  // namespace shim::config
