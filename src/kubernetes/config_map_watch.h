// Follows one ConfigMap: one GET, then a watch from there; a GET now and then where watching is forbidden (DESIGN 6).
//
// Nothing waits for it: what it sees, it tells. At rest it costs one open request. An API server that is away, hung,
// refusing or talking nonsense is asked again after a jittered pause that grows to 30 s; what was seen before stays. A
// watch that broke off is resumed after up to 4 s, one that a stopping server ended after up to 1 s: all nodes lose
// theirs at once. Runs on the I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/error.h"
#include "http/client.h"
#include "kubernetes/access.h"

namespace shim::kubernetes {

// The ConfigMap is there, and this is the value of the key; nothing where it lacks the key.
struct Present {
  std::optional<std::string> text;
  std::string resource_version;
};
// There is none of that name (also: not any more).
struct Absent {};
// Nothing is known at the moment, and why. Told once for each reason, not at every attempt, and again only after it has
// worked. A watch that broke off is resumed silently; only if that fails, too, it is told. What was seen last stays.
struct Unknown {
  std::string reason;      // what was tried, on which server, why it failed, what to do (401, 403: the RBAC rule)
  bool is_access = false;  // no kubeconfig, or one that is not valid: no API server was asked
};
using Sight = std::variant<Present, Absent, Unknown>;

struct WatchOptions {
  std::string name_space;
  std::string name;
  std::string key;
  std::chrono::nanoseconds poll_interval = std::chrono::seconds(15);  // where watching is forbidden
  std::chrono::milliseconds answer_timeout{10'000};                   // of a GET, and for the head of a watch's answer
  std::chrono::milliseconds first_pause{1000};                        // after a failure, doubled up to `longest_pause`
  std::chrono::milliseconds longest_pause{30'000};
  std::chrono::milliseconds longest_refused_pause{300'000};  // after 401 and 403
  // Of a watch on a server that sends bookmarks (each minute); four times as long where none has come, as from an API
  // server whose ConfigMaps nobody changes.
  std::chrono::milliseconds longest_silence{150'000};
};

// For `status`, metrics, readiness.
struct WatchStatus {
  enum class Phase { starting, watching, polling, pausing, stopped };
  Phase phase = Phase::starting;
  std::string server;                                 // empty: none known
  std::string reason;                                 // why it is pausing or polling
  std::chrono::system_clock::time_point last_seen{};  // the last answer that told what the ConfigMap says
  std::uint64_t failures = 0;  // attempts that taught nothing, but for watches that broke off and could be resumed
};

class ConfigMapWatch {
 public:
  // Called on the I/O thread, for every change of what is known, the first sight included; may stop the watch.
  using Listener = std::function<void(const Sight&)>;
  // Finds the way to the API server; tried again with every attempt until it succeeds.
  using OpenAccess = std::function<boost::asio::awaitable<Expected<std::shared_ptr<Access>>>()>;

  // `http` must outlive the executor's run.
  ConfigMapWatch(boost::asio::any_io_executor executor, http::Client& http, OpenAccess open, WatchOptions options,
                 Listener listener);
  ConfigMapWatch(const ConfigMapWatch&) = delete;
  ConfigMapWatch& operator=(const ConfigMapWatch&) = delete;
  // Stops at once; the listener is not called any more.
  ~ConfigMapWatch();

  void start();
  // A GET now (SIGHUP), whatever it is waiting for.
  void look_now();
  WatchStatus status() const;

 private:
  class Loop;
  std::shared_ptr<Loop> loop_;
};

}  // namespace shim::kubernetes
