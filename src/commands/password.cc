#include "commands/password.h"

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace shim::commands {
namespace {

constexpr std::size_t kMostBytes = 4096;

// What is typed on a terminal is not shown while it lives. Interrupted, the shell sets its terminal right by itself.
class Silence {
 public:
  explicit Silence(int descriptor) : descriptor_(descriptor) {
    is_terminal_ = ::tcgetattr(descriptor_, &before_) == 0;
    if (!is_terminal_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(descriptor_, TCSAFLUSH, &silent);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  ~Silence() {
    if (!is_terminal_) return;
    ::tcsetattr(descriptor_, TCSAFLUSH, &before_);
    fmt::print(stderr, "\n");
  }
  bool is_terminal() const { return is_terminal_; }

 private:
  const int descriptor_;
  bool is_terminal_ = false;
  termios before_{};
};

}  // namespace

Expected<Secret> read_password(const std::string& prompt) {
  const Silence silence(STDIN_FILENO);
  if (silence.is_terminal()) fmt::print(stderr, "{}", prompt);
  std::string line;
  line.reserve(kMostBytes + 1);  // so that no copy is left behind
  for (char c = 0; line.size() <= kMostBytes;) {
    const ssize_t count = ::read(STDIN_FILENO, &c, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || c == '\n') break;
    line.push_back(c);
  }
  if (line.size() > kMostBytes) return fail("the password is longer than 4 KiB");
  if (line.empty()) return fail("no password: type it, or give it on stdin");
  return Secret(std::move(line));
}

}  // namespace shim::commands
