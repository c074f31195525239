#include "credentials/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "base/text.h"
#include "base/units.h"

namespace shim::credentials {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxShownComplaint = 200;
constexpr std::size_t kMaxShownHint = 512;
constexpr std::size_t kLeastHidden = 6;  // a shorter value (`1`, `true`) is no secret, but turns up in any text
// Where the kernel has no pidfd (before 5.3): how often to look whether the program has ended.
constexpr std::chrono::milliseconds kLook{20};

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

std::string errno_text(int code) {
  return std::generic_category().message(code);
}

// One of the program's outputs: our end of its pipe, and what came through.
class Stream {
 public:
  explicit Stream(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { clear(bytes_); }

  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    ours_ = Descriptor(ends[0]);
    theirs_ = Descriptor(ends[1]);
    return ::fcntl(ours_.get(), F_SETFL, O_NONBLOCK) == 0;
  }
  int theirs() const { return theirs_.get(); }
  void close_theirs() { theirs_.close(); }
  pollfd polled() const { return {ours_.get(), POLLIN, 0}; }  // poll() skips a closed one

  // Everything that is there now; closes at the end.
  void read() {
    std::array<char, 16 * 1024> chunk;
    while (ours_.is_open() && !is_over_limit_) {
      const ssize_t count = ::read(ours_.get(), chunk.data(), chunk.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) break;
      if (count <= 0) {
        ours_.close();
        break;
      }
      append({chunk.data(), static_cast<std::size_t>(count)});
    }
    ::explicit_bzero(chunk.data(), chunk.size());
  }
  // What is past the limit is read, so that the writer goes on, and dropped.
  void read_and_drop_rest() {
    read();
    is_over_limit_ = false;
  }
  bool is_over_limit() const { return is_over_limit_; }
  std::string take() { return std::move(bytes_); }

 private:
  static void clear(std::string& text) {
    ::explicit_bzero(text.data(), text.size());
    text.clear();
  }
  // No copy of a secret stays behind where the text grows.
  void append(std::string_view chunk) {
    const std::size_t room = max_bytes_ - bytes_.size();
    is_over_limit_ = chunk.size() > room;
    chunk = chunk.substr(0, room);
    if (bytes_.size() + chunk.size() > bytes_.capacity()) {
      std::string grown;
      grown.reserve(2 * (bytes_.size() + chunk.size()));
      grown.append(bytes_);
      clear(bytes_);
      bytes_ = std::move(grown);
    }
    bytes_.append(chunk);
  }

  std::size_t max_bytes_;
  Descriptor ours_;
  Descriptor theirs_;
  std::string bytes_;
  bool is_over_limit_ = false;
};

// A program that reads nothing can neither block nor kill the writer of a file, as it can that of a pipe.
Descriptor input_file(std::string_view text) {
  Descriptor file(::memfd_create("input", MFD_CLOEXEC));
  while (file.is_open() && !text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Descriptor();
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (file.is_open()) ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

// Null-terminated, as execve() takes it; borrows from `texts`.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_block(const Variables& variables) {
  std::vector<std::string> block;
  for (auto each = variables.begin(); each != variables.end(); ++each) {
    const bool is_overridden =
        std::any_of(each + 1, variables.end(), [&](const auto& later) { return later.first == each->first; });
    if (!is_overridden) block.push_back(each->first + "=" + each->second);
  }
  return block;
}

// A process that is killed with its group, and reaped, at the latest when this goes.
class Process {
 public:
  Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ > 0) end();
  }

  // The errno of what failed, or 0.
  int start(const Program& program, int input, int output, int complaint) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, complaint, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);

    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t signals;
    ::sigfillset(&signals);  // the daemon ignores some, and an ignored signal stays ignored across execve()
    ::posix_spawnattr_setsigdefault(&attributes, &signals);
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes, &signals);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);

    std::vector<std::string> arguments = program.arguments;
    arguments.insert(arguments.begin(), program.file);
    std::vector<std::string> environment = environment_block(program.environment);
    const int error = ::posix_spawn(&pid_, program.file.c_str(), &actions, &attributes, pointers_to(arguments).data(),
                                    pointers_to(environment).data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) pid_ = -1;
    if (error == 0) pidfd_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    return error;
  }
  pollfd polled() const { return {pidfd_.get(), POLLIN, 0}; }
  bool can_be_polled() const { return pidfd_.is_open(); }
  bool has_exited() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid_;
  }
  // Kills what is left of the group; the program itself is not reaped yet, so nobody else can have its id. The status
  // as waitpid() gives it.
  int end() {
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  Descriptor pidfd_;
};

int poll_timeout(Clock::time_point deadline, bool must_look) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  if (must_look) left = std::min(left, kLook);
  return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, 3'600'000));
}

// Why the program did not come to its end, or nothing.
std::optional<std::string> wait_for(const Process& process, Stream& output, Stream& complaint,
                                    const ProgramLimits& limits) {
  const auto deadline = Clock::now() + limits.timeout;
  for (;;) {
    const bool has_exited = process.has_exited();  // before the last read, so that nothing is missed
    output.read();
    complaint.read_and_drop_rest();
    if (output.is_over_limit()) return "wrote more than " + format_size(limits.max_output_bytes) + " bytes";
    if (has_exited) return std::nullopt;
    if (Clock::now() >= deadline) return "took longer than " + format_duration(limits.timeout);
    std::array<pollfd, 3> polled = {output.polled(), complaint.polled(), process.polled()};
    ::poll(polled.data(), polled.size(), poll_timeout(deadline, !process.can_be_polled()));
  }
}

}  // namespace

std::string name_of(const Program& program) {
  return printable(std::string_view(program.file).substr(program.file.rfind('/') + 1), 128);
}

Expected<ProgramResult> run_program(const Program& program, const ProgramLimits& limits) {
  const auto failed = [&](const std::string& why) { return fail(fmt::format("{} {}", name_of(program), why)); };
  Stream output(limits.max_output_bytes);
  Stream complaint(limits.max_complaint_bytes);
  Descriptor input = input_file(program.input);
  if (!input.is_open() || !output.open() || !complaint.open()) {
    return failed("cannot be started: " + errno_text(errno));
  }
  Process process;
  if (const int error = process.start(program, input.get(), output.theirs(), complaint.theirs()); error != 0) {
    const std::string why =
        fmt::format("{} cannot be started: {}: {}", name_of(program), printable(program.file, 256), errno_text(error));
    return error == ENOENT ? is_missing(program, why) : fail(why);
  }
  input.close();
  output.close_theirs();
  complaint.close_theirs();

  const auto interruption = wait_for(process, output, complaint, limits);
  const int status = process.end();
  if (interruption) return failed(*interruption + " and was killed");
  if (WIFSIGNALED(status)) return failed(fmt::format("was killed by signal {}", WTERMSIG(status)));
  return ProgramResult{
      .exit_status = WEXITSTATUS(status), .output = Secret(output.take()), .complaint = complaint.take()};
}

std::unexpected<Error> is_missing(const Program& program, std::string why) {
  std::string hint = program.install_hint;
  std::ranges::replace_if(hint, [](char c) { return c == '\r' || c == '\n' || c == '\t'; }, ' ');
  return fail(hint.empty() ? std::move(why) : fmt::format("{}. {}", why, printable(hint, kMaxShownHint)));
}

Variables inherited_variables() {
  constexpr std::array kNames = {"PATH",         "HOME",       "LANG",       "TZ",          "SSL_CERT_FILE",
                                 "SSL_CERT_DIR", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy",
                                 "ALL_PROXY",    "all_proxy",  "NO_PROXY",   "no_proxy"};
  Variables variables;
  for (const char* name : kNames) {
    if (const char* value = std::getenv(name)) variables.emplace_back(name, value);
  }
  return variables;
}

std::string describe_failure(const Program& program, const ProgramResult& result, const Variables& hidden) {
  std::string text = fmt::format("{}: exit status {}", name_of(program), result.exit_status);
  std::string_view complaint = result.complaint;
  complaint.remove_prefix(std::min(complaint.find_first_not_of(" \t\r\n"), complaint.size()));
  std::string line(complaint.substr(0, complaint.find_first_of("\r\n")));
  for (const auto& [name, value] : hidden) {
    if (value.size() < kLeastHidden) continue;
    for (std::size_t at = line.find(value); at != std::string::npos; at = line.find(value, at)) {
      line.replace(at, value.size(), "***");
    }
  }
  return line.empty() ? text : text + ": " + printable(line, kMaxShownComplaint);
}

}  // namespace shim::credentials
