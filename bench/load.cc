// A closed-loop CRI client: each of N connections makes one call after the other, as a kubelet worker would.
//
//   bench_load --socket PATH --call NAME [--clients N] [--seconds S | --calls N] [--warmup N] [--window BYTES]
//              [--busy MICROSECONDS] [--hold]
//   bench_load --socket PATH --call NAME --start -- COMMAND…     time from fork of COMMAND to the first answered call
//
// The bytes are grpc-go's: its request headers, its order of frames, its 64 KiB windows. Every answer is compared byte
// for byte with what the runtime stub sends; a wrong one ends the run with exit code 1. One JSON object on stdout.
// --busy burns CPU before each call, as the client above a real transport would.
// With --hold the run waits for a line on stdin after the warm-up (`ready` on stdout), and again before it disconnects,
// so that the caller can read the proxy's CPU time while its connections are open.
#include <nghttp2/nghttp2.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "calls.h"
#include "connection.h"
#include "socket.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

struct Options {
  std::string socket;
  const Call* call = nullptr;
  std::size_t clients = 1;
  double seconds = 0;        // 0: until `calls` are made
  std::size_t calls = 1000;  // together, not for each client
  std::size_t warmup = 0;
  std::uint32_t window = 65535;
  std::chrono::microseconds busy{0};
  bool holds = false;
  std::vector<char*> command;  // with --start; null-terminated
};

nghttp2_nv header(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

// What all clients of one run share.
struct Run {
  const Options& options;
  std::size_t calls_left = 0;
  Clock::time_point end = Clock::time_point::max();
  std::size_t calls_open = 0;
  std::vector<float> latencies_us = {};
  std::string failure = {};  // the first wrong answer

  bool may_call() const { return failure.empty() && calls_left > 0 && Clock::now() < end; }
};

// One connection with at most one call on it.
class Client {
 public:
  Client(Run& run, const Fd& epoll, Fd socket) : run_(run), connection_(epoll, std::move(socket)) {
    connection_.start(client_session());
  }

  Connection& connection() { return connection_; }

  void call();

 private:
  Session client_session();
  void fail(const std::string& why) {
    if (run_.failure.empty()) run_.failure = why;
  }
  void on_header(std::string_view name, std::string_view value);
  void on_data(std::string_view data);
  void on_end(std::uint32_t error_code);

  static Client& of(void* user_data) { return *static_cast<Client*>(user_data); }

  Run& run_;
  Connection connection_;

  // Of the call that is open.
  Clock::time_point started_;
  std::size_t request_sent_ = 0;
  std::size_t received_ = 0;
  bool has_status_200_ = false;
  bool has_grpc_content_type_ = false;
  bool has_grpc_status_0_ = false;
};

std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

Session Client::client_session() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user_data) {
        of(user_data).on_header(text(name, name_size), text(value, value_size));
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks,
      [](nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t size, void* user_data) {
        of(user_data).on_data(text(data, size));
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, std::int32_t, std::uint32_t error_code, void* user_data) {
        of(user_data).on_end(error_code);
        return 0;
      });
  nghttp2_session* session = nullptr;
  nghttp2_session_client_new2(&session, callbacks, this, lean_options().get());
  nghttp2_session_callbacks_del(callbacks);

  const std::array<nghttp2_settings_entry, 2> settings = {
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, run_.options.window}}};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(run_.options.window));
  return Session(session);
}

void Client::call() {
  const std::array<nghttp2_nv, 8> headers = {header(":method", "POST"),
                                             header(":scheme", "http"),
                                             header(":path", run_.options.call->path),
                                             header(":authority", "localhost"),
                                             header("content-type", "application/grpc"),
                                             header("user-agent", "grpc-go/1.68.1"),
                                             header("te", "trailers"),
                                             header("grpc-timeout", "119999m")};
  const auto read_request = [](nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t room,
                               std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& client = *static_cast<Client*>(source->ptr);
    const std::string& request = client.run_.options.call->request;
    const std::size_t size = request.copy(reinterpret_cast<char*>(buffer), room, client.request_sent_);
    client.request_sent_ += size;
    if (client.request_sent_ == request.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  };
  const nghttp2_data_provider body = {.source = {.ptr = this}, .read_callback = read_request};

  burn_cpu(run_.options.busy);
  request_sent_ = received_ = 0;
  has_status_200_ = has_grpc_content_type_ = has_grpc_status_0_ = false;
  --run_.calls_left;
  ++run_.calls_open;
  started_ = Clock::now();
  nghttp2_submit_request(connection_.session(), nullptr, headers.data(), headers.size(), &body, nullptr);
}

void Client::on_header(std::string_view name, std::string_view value) {
  if (name == ":status") has_status_200_ = value == "200";
  if (name == "content-type") has_grpc_content_type_ = value == "application/grpc";
  if (name == "grpc-status") {
    has_grpc_status_0_ = value == "0";
    if (!has_grpc_status_0_) fail("grpc-status " + std::string(value));
  }
  if (name == "grpc-message" && !value.empty()) fail("grpc-message " + std::string(value));
}

void Client::on_data(std::string_view data) {
  const Body& expected = run_.options.call->answer;
  while (!data.empty()) {
    const std::string_view piece = expected.at(std::min(received_, expected.total)).substr(0, data.size());
    if (piece.empty() || !data.starts_with(piece)) return fail("wrong answer at byte " + std::to_string(received_));
    received_ += piece.size();
    data.remove_prefix(piece.size());
  }
}

void Client::on_end(std::uint32_t error_code) {
  --run_.calls_open;
  run_.latencies_us.push_back(static_cast<float>(Microseconds(Clock::now() - started_).count()));
  if (error_code != NGHTTP2_NO_ERROR) return fail("stream reset with code " + std::to_string(error_code));
  if (!has_status_200_ || !has_grpc_content_type_) return fail("not a gRPC answer");
  if (!has_grpc_status_0_) return fail("no grpc-status 0 in the trailers");
  if (received_ != run_.options.call->answer.total) return fail(std::to_string(received_) + " bytes of answer");
  if (run_.may_call()) call();
}

// Drives all clients until no call is open. False: a connection was lost; `run.failure` says so.
bool drive(Run& run, const Fd& epoll, const std::vector<std::unique_ptr<Client>>& clients) {
  for (const auto& client : clients) {
    if (run.may_call()) client->call();
    client->connection().flush();
  }
  std::array<epoll_event, 64> events;
  while (run.calls_open > 0 && run.failure.empty()) {
    const int count = epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), 30'000);
    if (count == 0) run.failure = "no answer within 30 s";
    for (int n = 0; n < count; ++n) {
      const epoll_event& ready = events[static_cast<std::size_t>(n)];
      auto& connection = *static_cast<Connection*>(ready.data.ptr);
      const bool reads = (ready.events & ~EPOLLOUT) != 0;
      if (((reads && !connection.receive()) || !connection.flush()) && run.failure.empty()) {
        run.failure = "connection closed with " + std::to_string(run.calls_open) + " calls open";
      }
    }
  }
  return run.failure.empty();
}

std::expected<std::vector<std::unique_ptr<Client>>, std::string> connect_clients(Run& run, const Fd& epoll) {
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t n = 0; n < run.options.clients; ++n) {
    auto socket = connect_to(run.options.socket);
    if (!socket) return std::unexpected(socket.error());
    clients.push_back(std::make_unique<Client>(run, epoll, std::move(*socket)));
  }
  return clients;
}

double own_cpu_seconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

double percentile(const std::vector<float>& sorted, double share) {
  if (sorted.empty()) return 0;
  return static_cast<double>(sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))]);
}

void wait_for_line() {
  int c = 0;
  do c = std::getchar();
  while (c != '\n' && c != EOF);
}

int fail(const Options& options, const std::string& why) {
  std::fprintf(stderr, "bench_load: %s on %s: %s\n", std::string(options.call->name).c_str(), options.socket.c_str(),
               why.c_str());
  return 1;
}

int measure(const Options& options) {
  const Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  Run run{.options = options};
  auto clients = connect_clients(run, epoll);
  if (!clients) return fail(options, clients.error());

  run.calls_left = options.warmup;
  if (!drive(run, epoll, *clients)) return fail(options, run.failure);
  if (options.holds) {
    std::puts("ready");
    std::fflush(stdout);
    wait_for_line();
  }

  const bool is_timed = options.seconds > 0;
  run.latencies_us.clear();
  run.latencies_us.reserve(1 << 20);
  run.calls_left = is_timed ? SIZE_MAX : options.calls;
  const double cpu_before = own_cpu_seconds();
  const auto started = Clock::now();
  if (is_timed) run.end = started + std::chrono::duration_cast<Clock::duration>(Microseconds(options.seconds * 1e6));
  if (!drive(run, epoll, *clients)) return fail(options, run.failure);
  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
  const double cpu = own_cpu_seconds() - cpu_before;

  std::ranges::sort(run.latencies_us);
  const auto made = static_cast<double>(run.latencies_us.size());
  std::printf(R"({"calls": %.0f, "seconds": %.6f, "p50_us": %.2f, "p99_us": %.2f, "calls_per_second": %.1f, )"
              R"("answer_bytes": %zu, "load_cpu_us": %.2f})"
              "\n",
              made, seconds, percentile(run.latencies_us, 0.50), percentile(run.latencies_us, 0.99), made / seconds,
              options.call->answer.total, cpu / made * 1e6);
  std::fflush(stdout);
  if (options.holds) wait_for_line();
  return 0;
}

// Polls for the socket, since a daemon announces it in no other way that all peers share.
int measure_start(const Options& options) {
  constexpr auto kPatience = std::chrono::seconds(30);
  constexpr auto kPollInterval = std::chrono::microseconds(50);
  unlink(options.socket.c_str());
  const auto started = Clock::now();
  pid_t daemon = 0;
  if (posix_spawnp(&daemon, options.command[0], nullptr, nullptr, options.command.data(), environ) != 0) {
    return fail(options, std::string("cannot start ") + options.command[0]);
  }
  const Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  std::string failure = "no answer";
  double ready_ms = 0;
  while (ready_ms == 0 && Clock::now() - started < kPatience) {
    Run run{.options = options, .calls_left = 1};
    auto clients = connect_clients(run, epoll);
    if (!clients) {
      failure = clients.error();
      std::this_thread::sleep_for(kPollInterval);
      continue;
    }
    if (drive(run, epoll, *clients)) {
      ready_ms = std::chrono::duration<double, std::milli>(Clock::now() - started).count();
    } else {
      failure = run.failure;
      break;
    }
  }
  kill(daemon, SIGTERM);
  waitpid(daemon, nullptr, 0);
  if (ready_ms == 0) return fail(options, failure);
  std::printf(R"({"ready_ms": %.3f})"
              "\n",
              ready_ms);
  return 0;
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Nothing where the command line is wrong.
std::optional<Options> parse(std::vector<char*> arguments) {
  Options options;
  bool is_right = true;
  const auto take = [&](auto& into, std::string_view value) {
    const auto parsed = number<std::remove_reference_t<decltype(into)>>(value);
    is_right = is_right && parsed.has_value();
    into = parsed.value_or(into);
  };
  for (std::size_t n = 1; n < arguments.size(); ++n) {
    const std::string_view flag = arguments[n];
    if (flag == "--hold") {
      options.holds = true;
      continue;
    }
    if (flag == "--start") {
      if (n + 2 >= arguments.size() || std::string_view(arguments[n + 1]) != "--") return std::nullopt;
      options.command.assign(arguments.begin() + static_cast<std::ptrdiff_t>(n) + 2, arguments.end());
      options.command.push_back(nullptr);
      break;
    }
    if (++n == arguments.size()) return std::nullopt;
    const std::string_view value = arguments[n];
    if (flag == "--socket") {
      options.socket = value;
    } else if (flag == "--call") {
      options.call = call_named(value);
    } else if (flag == "--clients") {
      take(options.clients, value);
    } else if (flag == "--seconds") {
      take(options.seconds, value);
    } else if (flag == "--calls") {
      take(options.calls, value);
    } else if (flag == "--warmup") {
      take(options.warmup, value);
    } else if (flag == "--window") {
      take(options.window, value);
    } else if (flag == "--busy") {
      std::int64_t microseconds = 0;
      take(microseconds, value);
      options.busy = std::chrono::microseconds(microseconds);
    } else {
      return std::nullopt;
    }
  }
  if (!is_right || options.call == nullptr || options.socket.empty()) return std::nullopt;
  return options;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const auto options = bench::parse(std::vector<char*>(argv, argv + argc));
  if (!options) {
    std::fprintf(stderr,
                 "usage: bench_load --socket PATH --call NAME [--clients N] [--seconds S | --calls N] [--warmup N]\n"
                 "                  [--window BYTES] [--busy MICROSECONDS] [--hold] [--start -- COMMAND...]\ncalls:");
    for (const auto& call : bench::calls()) std::fprintf(stderr, " %s", std::string(call.name).c_str());
    std::fputc('\n', stderr);
    return 2;
  }
  return options->command.empty() ? bench::measure(*options) : bench::measure_start(*options);
}
