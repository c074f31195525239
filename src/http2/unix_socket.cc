#include "http2/unix_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace shim::http2 {
namespace {

constexpr int kBacklog = 1024;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

bool fill_address(sockaddr_un& address, const std::string& path) {
  address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  return true;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string describe_process(pid_t pid) {
  std::string name;
  std::ifstream(fmt::format("/proc/{}/comm", pid)) >> name;
  return name.empty() ? fmt::format("pid {}", pid) : fmt::format("{} (pid {})", name, pid);
}

// Nothing where the path is free or holds a stale socket; else why it cannot be taken.
Expected<void> check_is_free(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) return fail(fmt::format("{} exists and is not a socket: remove it", path));
  sockaddr_un address;
  fill_address(address, path);
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(probe.get(), generic(address), sizeof(address)) != 0) {
    if (errno == ECONNREFUSED || errno == ENOENT) return {};
    const bool is_live = errno == EAGAIN || errno == EPROTOTYPE;  // its backlog is full; a socket of another type
    if (!is_live) return fail(fmt::format("cannot see who listens on {}: {}", path, std::strerror(errno)));
  }
  ucred holder{};
  socklen_t size = sizeof(holder);
  const bool is_known = ::getsockopt(probe.get(), SOL_SOCKET, SO_PEERCRED, &holder, &size) == 0 && holder.pid > 0;
  return fail(fmt::format("{} is in use by {}: stop it, or configure another path", path,
                          is_known ? describe_process(holder.pid) : "another process"));
}

}  // namespace

std::expected<UnixSocket, ConnectFailure> connect_unix(boost::asio::io_context& context, const std::string& path) {
  sockaddr_un address;
  if (!fill_address(address, path)) return std::unexpected(ConnectFailure{false, "the path is too long for a socket"});
  Descriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (descriptor.get() < 0) return std::unexpected(ConnectFailure{false, std::strerror(errno), errno});
  int result = 0;
  do {
    result = ::connect(descriptor.get(), generic(address), sizeof(address));
  } while (result != 0 && errno == EINTR);
  if (result != 0) return std::unexpected(ConnectFailure{errno == EAGAIN, std::strerror(errno), errno});
  return UnixSocket(context, boost::asio::local::stream_protocol(), descriptor.release());
}

SocketAccess access_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return {0600, ::geteuid(), ::getegid()};
  return {status.st_mode & 0777, status.st_uid, status.st_gid};
}

Expected<UnixListener> UnixListener::bind(boost::asio::io_context& context, const std::string& path,
                                          const SocketAccess& access) {
  const std::string temporary = fmt::format("{}.{}", path, ::getpid());
  sockaddr_un address;
  if (!fill_address(address, temporary)) return fail(fmt::format("{}: the path is too long for a socket", path));

  // Held while the old file is looked at and replaced, so that of two shims that start at once one sees the other.
  const Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return fail(fmt::format("{}: its folder cannot be opened: {}", path, std::strerror(errno)));
  ::flock(folder.get(), LOCK_EX);
  if (auto is_free = check_is_free(path); !is_free) return std::unexpected(is_free.error());

  Descriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::unlink(temporary.c_str());
  // The file gets the socket's own mode (unix(7)), so nobody else connects before the access is set. A umask would do
  // the same to every file that another thread makes meanwhile.
  ::fchmod(descriptor.get(), S_IRUSR | S_IWUSR);
  if (::bind(descriptor.get(), generic(address), sizeof(address)) != 0) {
    return fail(fmt::format("cannot make the socket {}: {}", path, std::strerror(errno)));
  }

  const auto abandon = [&](std::string_view what) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return fail(fmt::format("cannot {} the socket {}: {}", what, path, std::strerror(error)));
  };
  struct stat status{};
  if (::chown(temporary.c_str(), access.owner, access.group) != 0 && errno != EPERM) return abandon("set the owner of");
  if (::chmod(temporary.c_str(), access.mode) != 0) return abandon("set the mode of");
  if (::listen(descriptor.get(), kBacklog) != 0) return abandon("listen on");
  if (::stat(temporary.c_str(), &status) != 0) return abandon("find");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return abandon("put in place");

  UnixListener listener(UnixAcceptor(context, boost::asio::local::stream_protocol(), descriptor.release()), path);
  listener.device_ = status.st_dev;
  listener.inode_ = status.st_ino;
  return listener;
}

Expected<UnixListener> UnixListener::adopt(boost::asio::io_context& context, int descriptor) {
  boost::system::error_code error;
  UnixAcceptor acceptor(context);
  acceptor.assign(boost::asio::local::stream_protocol(), descriptor, error);
  if (error) return fail("the socket that systemd passed is not usable: " + error.message());
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  acceptor.non_blocking(true, error);
  UnixListener listener(std::move(acceptor), {});
  listener.is_adopted_ = true;
  return listener;
}

UnixListener::UnixListener(UnixListener&& other) noexcept
    : acceptor_(std::move(other.acceptor_)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_),
      is_adopted_(other.is_adopted_) {}

UnixListener::~UnixListener() {
  close();
}

void UnixListener::set_access(const SocketAccess& access) {
  if (path_.empty()) return;
  // Best effort: the calls work without it, for root.
  [[maybe_unused]] const int owned = ::chown(path_.c_str(), access.owner, access.group);
  ::chmod(path_.c_str(), access.mode);
}

bool UnixListener::is_at(const std::string& path) const {
  struct stat status{};
  return !path_.empty() && ::stat(path.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

void UnixListener::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  struct stat status{};
  const std::string path = std::exchange(path_, {});
  if (path.empty() || ::lstat(path.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) ::unlink(path.c_str());
}

}  // namespace shim::http2
