#include "runtimes/listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace shim::runtimes {
namespace {

constexpr std::size_t kMostBytes = 64 * 1024;  // of a command line

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

// Of who called listen(); 0 where it is not known, or in another PID namespace.
pid_t process_behind(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return 0;
  std::memcpy(address.sun_path, path.data(), path.size());
  const Descriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // Asio's own conversion, too: the kernel takes every address as a sockaddr.
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(descriptor.number(), generic, sizeof(address)) != 0) return 0;
  ucred peer{};
  socklen_t size = sizeof(peer);
  return ::getsockopt(descriptor.number(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

// Files of /proc have no size to be known before they are read.
std::string read_bounded(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> piece{};
  while (text.size() < kMostBytes) {
    const ssize_t got = ::read(file.number(), piece.data(), piece.size());
    if (got <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

std::vector<std::string> command_line_behind(const std::string& socket) {
  const pid_t process = process_behind(socket);
  if (process <= 0) return {};
  const std::string text = read_bounded(fmt::format("/proc/{}/cmdline", process));
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\0', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

std::optional<std::string> config_option(const std::vector<std::string>& command_line) {
  for (std::size_t i = 1; i < command_line.size(); ++i) {
    const std::string_view word = command_line[i];
    for (const std::string_view name : {"--config", "-config", "-c"}) {
      if (!word.starts_with(name)) continue;
      const std::string_view rest = word.substr(name.size());
      if (rest.starts_with('=')) return std::string(rest.substr(1));
      if (rest.empty() && i + 1 < command_line.size()) return command_line[i + 1];
    }
  }
  return std::nullopt;
}

}  // namespace shim::runtimes
