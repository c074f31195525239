// Unix stream sockets, non-blocking.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace bench {

// Owns a file descriptor.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();

  int get() const { return fd_; }

 private:
  int fd_;
};

// Errors: a sentence with the path and the reason.
std::expected<Fd, std::string> listen_on(const std::string& path);  // replaces a file that is there
std::expected<Fd, std::string> connect_to(const std::string& path);

// Not open where no connection waits.
Fd accept_from(const Fd& listener);

}  // namespace bench
