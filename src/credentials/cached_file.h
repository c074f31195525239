// A file from which credentials come: read on a worker, parsed once, and read again when it has changed.
//
// Each get() looks at the file's attributes (through symbolic links, so that a Kubernetes Secret's swapped link
// counts). Runs on the I/O thread otherwise.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/single_flight.h"
#include "base/worker_pool.h"

namespace shim::credentials {

// What tells one content of a file from the next.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified = 0;  // nanoseconds
  std::int64_t changed = 0;   // nanoseconds: of the inode, which nobody can set back
  // Changed so recently that another change may leave the same times: the kernel's clock for files ticks in 4–10 ms.
  bool is_fresh = false;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// Nothing where there is no file. Errors: it cannot be looked at.
Expected<std::optional<FileStamp>> stamp_of(const std::string& path);

template <class Value>
class CachedFile {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  // Runs on a worker; errors say what is wrong with the content.
  using Parse = Expected<Value> (*)(std::string content, const std::string& path);
  // Null where there is no file.
  using Content = std::shared_ptr<const Value>;

  // `workers` must outlive the last get().
  CachedFile(WorkerPool& workers, std::string path, std::size_t max_bytes, Parse parse)
      : state_(std::make_shared<State>(workers, std::move(path), max_bytes, parse)) {}

  const std::string& path() const { return state_->path; }

  // Errors: the file and why it cannot be read or used; that it could not be read until `deadline` (a dead NFS server:
  // one worker waits for it, however many ask).
  boost::asio::awaitable<Expected<Content>> get(TimePoint deadline) {
    const auto state = state_;
    auto start = [state] { return read(state); };
    const auto content = co_await state->reading.join(0, std::move(start), deadline);
    if (!content) co_return fail("cannot read " + state->path + ": no answer in time");
    co_return *content;
  }

 private:
  struct State {
    State(WorkerPool& pool, std::string file, std::size_t most, Parse function)
        : workers(pool), path(std::move(file)), max_bytes(most), parse(function) {}

    WorkerPool& workers;
    const std::string path;
    const std::size_t max_bytes;
    const Parse parse;
    SingleFlight<int, Expected<Content>> reading{Abandoned::goes_on};
    std::optional<FileStamp> stamp;  // of `content`
    Expected<Content> content;
  };
  struct Look {
    std::optional<FileStamp> stamp;
    std::optional<Expected<Content>> content;  // nothing where the known one still holds
  };

  static Look look(const std::string& path, std::size_t max_bytes, Parse parse,
                   const std::optional<FileStamp>& known) {
    const auto stamp = stamp_of(path);
    if (!stamp) return {std::nullopt, Expected<Content>(std::unexpected(stamp.error()))};
    if (!*stamp) return {std::nullopt, Expected<Content>(Content())};
    if (known == **stamp && !known->is_fresh) return {known, std::nullopt};
    auto text = read_file(path, max_bytes);
    if (!text) return {std::nullopt, Expected<Content>(std::unexpected(text.error()))};
    auto value = parse(std::move(*text), path);
    if (!value) return {*stamp, Expected<Content>(std::unexpected(value.error()))};
    return {*stamp, Expected<Content>(std::make_shared<const Value>(std::move(*value)))};
  }

  static boost::asio::awaitable<Expected<Content>> read(std::shared_ptr<State> state) {
    auto work = [path = state->path, max_bytes = state->max_bytes, parse = state->parse, known = state->stamp] {
      return look(path, max_bytes, parse, known);
    };
    Look seen = co_await state->workers.run(std::move(work));
    state->stamp = seen.stamp;
    if (seen.content) state->content = std::move(*seen.content);
    co_return state->content;
  }

  std::shared_ptr<State> state_;
};

}  // namespace shim::credentials
