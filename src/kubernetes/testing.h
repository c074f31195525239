// For the tests of this folder: a login that never changes, and an API server that has one ConfigMap.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/testing.h"
#include "kubernetes/access.h"

namespace shim::kubernetes::testing {

class FixedAccess final : public Access {
 public:
  explicit FixedAccess(Login login) : login_(std::move(login)) {}

  boost::asio::awaitable<Expected<Login>> login() override {
    ++logins;
    if (!error.empty()) co_return fail(error);
    co_return login_;
  }
  void refused() override { ++refusals; }
  std::string name() const override { return "/etc/kubernetes/admin.conf (user admin)"; }

  int logins = 0;
  int refusals = 0;
  std::string error;  // instead of a login, where not empty

 private:
  Login login_;
};

inline std::string json_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '\n') {
      quoted += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}
inline std::string config_map_json(const std::string& version, const std::optional<std::string>& text,
                                   const std::string& name = "image-cri-shim",
                                   const std::string& name_space = "kube-system") {
  const std::string data = text ? R"(,"data":{"registries.yaml":)" + json_text(*text) + R"(,"other":"x"})" : "";
  return fmt::format(
      R"({{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"{}","namespace":"{}","resourceVersion":"{}",)"
      R"("managedFields":[{{"fieldsV1":{{"f:data":{{}}}}}}]}}{}}})",
      name, name_space, version, data);
}
inline std::string event_json(const std::string& type, const std::string& object) {
  return fmt::format(R"({{"type":"{}","object":{}}})", type, object) + "\n";
}
inline std::string bookmark_json(const std::string& version) {
  return event_json(
      "BOOKMARK",
      fmt::format(R"({{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"resourceVersion":"{}"}}}})", version));
}
inline std::string status_json(int code, const std::string& reason, const std::string& message) {
  return fmt::format(
      R"({{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":{},"reason":"{}","code":{}}})",
      json_text(message), reason, code);
}
inline std::string http_answer(int code, const std::string& body, const std::string& fields = "") {
  return fmt::format("HTTP/1.1 {} x\r\nContent-Type: application/json\r\n{}Content-Length: {}\r\n\r\n{}", code, fields,
                     body.size(), body);
}
inline std::string refusal_answer(int code, const std::string& reason, const std::string& message = "",
                                  const std::string& fields = "") {
  return http_answer(code, status_json(code, reason, message), fields);
}

// Keeps resource versions and the history that a watch needs; any thread may call it.
class FakeApi {
 public:
  // What a watch gets instead of what it should; text goes out as it is, in place of the answer's head or body.
  struct Fault {
    std::string bytes{};
    bool has_head = false;  // the head of a watch's answer goes before it
    enum class Then { close, hang } then = Then::close;
  };

  FakeApi() : server_([this](http::testing::RawConnection& connection, int) { serve(connection); }) {}
  FakeApi(FakeApi&&) = delete;
  ~FakeApi() {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    changed_.notify_all();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }

  void put(std::optional<std::string> text) {
    const std::lock_guard lock(mutex_);
    const char* type = exists_ ? "MODIFIED" : "ADDED";
    exists_ = true;
    text_ = std::move(text);
    record(type);
  }
  void remove() {
    const std::lock_guard lock(mutex_);
    exists_ = false;
    record("DELETED");
  }
  void bookmark() {
    const std::lock_guard lock(mutex_);
    ++version_;
    send_locked(bookmark_json(std::to_string(version_)));
  }
  // To the watches that are open, and to no later one.
  void send(std::string bytes) {
    const std::lock_guard lock(mutex_);
    send_locked(std::move(bytes));
  }
  // Nobody can watch from before now any more.
  void compact() {
    const std::lock_guard lock(mutex_);
    compacted_ = version_ + 1;
    ++version_;
  }
  enum class End { clean, abrupt };
  void end_watches(End end) {
    const std::lock_guard lock(mutex_);
    ++generation_;
    end_ = end;
    changed_.notify_all();
  }
  // The next questions of that kind get these answers, one each.
  void answer_get(std::string answer) {
    const std::lock_guard lock(mutex_);
    get_faults_.push_back({.bytes = std::move(answer)});
  }
  void fail_get(Fault fault) {
    const std::lock_guard lock(mutex_);
    get_faults_.push_back(std::move(fault));
  }
  void answer_watch(std::string answer) {
    const std::lock_guard lock(mutex_);
    watch_faults_.push_back({.bytes = std::move(answer)});
  }
  void fail_watch(Fault fault) {
    const std::lock_guard lock(mutex_);
    watch_faults_.push_back(std::move(fault));
  }
  // Every watch that is asked for from now on; empty: none.
  void forbid_watching(std::string answer) {
    const std::lock_guard lock(mutex_);
    forbidden_ = std::move(answer);
  }

  // Headers, in order.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::size_t gets() const { return count(false); }
  std::size_t watches() const { return count(true); }
  std::size_t open_watches() const {
    const std::lock_guard lock(mutex_);
    return open_;
  }

 private:
  using Connection = http::testing::RawConnection;
  struct Record {
    long version;
    std::string bytes;
  };

  std::string object() const { return config_map_json(std::to_string(version_), text_); }
  void record(const std::string& type) {
    ++version_;
    history_.push_back({version_, event_json(type, object())});
    changed_.notify_all();
  }
  void send_locked(std::string bytes) {
    direct_.push_back(std::move(bytes));
    changed_.notify_all();
  }
  std::size_t count(bool is_watch) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count_if(
        requests_, [&](const std::string& r) { return (r.find("watch=true") != std::string::npos) == is_watch; }));
  }
  static std::optional<Fault> next(std::deque<Fault>& faults) {
    if (faults.empty()) return std::nullopt;
    Fault fault = std::move(faults.front());
    faults.pop_front();
    return fault;
  }

  void serve(Connection& connection) {
    for (;;) {
      const std::string header = connection.read_header();
      if (header.empty()) return;
      const bool is_watch = header.find("watch=true") != std::string::npos;
      std::optional<Fault> fault;
      std::string answer;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(header);
        fault = next(is_watch ? watch_faults_ : get_faults_);
        answer = exists_ ? http_answer(200, object()) : refusal_answer(404, "NotFound", "not found");
        if (is_watch) answer = forbidden_.empty() && is_too_old(header) ? refusal_answer(410, "Expired") : forbidden_;
      }
      if (fault) {
        if (fault->has_head) connection.write(kWatchHead);
        connection.write(fault->bytes);
        if (fault->then == Fault::Then::hang) connection.wait_for_close();
        if (fault->has_head || fault->then == Fault::Then::hang || fault->bytes.empty()) return;
      } else if (!is_watch || !answer.empty()) {
        connection.write(answer);
      } else if (!watch(connection, header)) {
        return;
      }
    }
  }
  static long version_in(const std::string& header) {
    const auto at = header.find("resourceVersion=");
    return at == std::string::npos ? -1 : std::stol(header.substr(at + 16));
  }
  bool is_too_old(const std::string& header) const {
    const long from = version_in(header);
    return from >= 0 && from < compacted_;
  }
  // Whether the connection can be used further.
  bool watch(Connection& connection, const std::string& header) {
    std::unique_lock lock(mutex_);
    long from = version_in(header);
    if (!connection.write(kWatchHead)) return false;
    if (from < 0) {
      from = version_;
      if (exists_) write_chunk(connection, event_json("ADDED", object()));
    }
    std::size_t sent = direct_.size();
    const int generation = generation_;
    ++open_;
    while (!is_over_ && generation == generation_) {
      for (const Record& event : history_) {
        if (event.version <= from) continue;
        write_chunk(connection, event.bytes);
        from = event.version;
      }
      for (; sent < direct_.size(); ++sent) write_chunk(connection, direct_[sent]);
      changed_.wait(lock);
    }
    --open_;
    return end_ == End::clean && connection.write("0\r\n\r\n");
  }
  static void write_chunk(Connection& connection, const std::string& text) {
    connection.write(fmt::format("{:x}\r\n{}\r\n", text.size(), text));
  }

  static constexpr const char* kWatchHead =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

  mutable std::mutex mutex_;  // guards what is below
  std::condition_variable changed_;
  bool is_over_ = false;
  bool exists_ = false;
  std::optional<std::string> text_;
  long version_ = 100;
  long compacted_ = 0;
  std::vector<Record> history_;
  std::vector<std::string> direct_;
  std::deque<Fault> get_faults_;
  std::deque<Fault> watch_faults_;
  std::string forbidden_;
  int generation_ = 0;
  End end_ = End::clean;
  std::size_t open_ = 0;
  std::vector<std::string> requests_;
  http::testing::RawServer server_;  // last: its threads use the others
};

}  // namespace shim::kubernetes::testing
