// A CRI runtime that costs as little as HTTP/2 allows, so that what a benchmark sees is the proxy in front of it.
//
//   bench_runtime_stub SOCKET [BUSY_MICROSECONDS]
//
// Answers the calls of calls.h as grpc-go would put them on the wire: HEADERS, DATA, trailers. Image status is found
// under one name only; any other name gets the empty answer. Other methods get UNIMPLEMENTED. One thread. With
// BUSY_MICROSECONDS it burns so much CPU before each answer, as a real runtime would.
#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "calls.h"
#include "connection.h"
#include "socket.h"

namespace bench {
namespace {

std::chrono::microseconds busy_time{0};  // set once, before the first connection

struct Stream {
  std::string path;
  std::string request;
  const Body* answer = nullptr;
  std::size_t sent = 0;
};

nghttp2_nv header(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

const std::array<nghttp2_nv, 2> kAnswerHeaders = {header(":status", "200"), header("content-type", "application/grpc")};
const std::array<nghttp2_nv, 2> kTrailers = {header("grpc-status", "0"), header("grpc-message", "")};
const std::array<nghttp2_nv, 4> kUnimplemented = {kAnswerHeaders[0], kAnswerHeaders[1], header("grpc-status", "12"),
                                                  header("grpc-message", "unknown method")};

// One accepted connection and the streams that are open on it; the session's user data.
struct Served {
  Served(const Fd& epoll, Fd socket) : connection(epoll, std::move(socket)) {}

  std::unordered_map<std::int32_t, std::unique_ptr<Stream>> streams;
  Connection connection;
};

Stream* stream_of(nghttp2_session* session, std::int32_t id) {
  return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
}

ssize_t read_answer(nghttp2_session* session, std::int32_t id, std::uint8_t* buffer, std::size_t room,
                    std::uint32_t* flags, nghttp2_data_source* source, void*) {
  auto& stream = *static_cast<Stream*>(source->ptr);
  std::size_t filled = 0;
  while (filled < room && stream.sent < stream.answer->total) {
    const std::string_view piece = stream.answer->at(stream.sent).substr(0, room - filled);
    std::memcpy(buffer + filled, piece.data(), piece.size());
    filled += piece.size();
    stream.sent += piece.size();
  }
  if (stream.sent == stream.answer->total) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, id, kTrailers.data(), kTrailers.size());
  }
  return static_cast<ssize_t>(filled);
}

const Body* answer_to(const Stream& stream) {
  static const Body kNotPresent = {std::string(5, '\0'), 5};
  const Call* call = call_at(stream.path);
  if (call == nullptr) return nullptr;
  const bool asks_for_another = call == call_named("image-status") && !stream.request.contains(kAskedImage);
  return asks_for_another ? &kNotPresent : &call->answer;
}

void answer(nghttp2_session* session, std::int32_t id) {
  burn_cpu(busy_time);
  Stream& stream = *stream_of(session, id);
  stream.answer = answer_to(stream);
  if (stream.answer == nullptr) {
    nghttp2_submit_response(session, id, kUnimplemented.data(), kUnimplemented.size(), nullptr);
    return;
  }
  const nghttp2_data_provider body = {.source = {.ptr = &stream}, .read_callback = read_answer};
  nghttp2_submit_response(session, id, kAnswerHeaders.data(), kAnswerHeaders.size(), &body);
}

int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* served) {
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  auto& stream = static_cast<Served*>(served)->streams[frame->hd.stream_id];
  stream = std::make_unique<Stream>();
  return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream.get());
}

int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
              const std::uint8_t* value, std::size_t value_size, std::uint8_t, void*) {
  if (std::string_view(reinterpret_cast<const char*>(name), name_size) != ":path") return 0;
  stream_of(session, frame->hd.stream_id)->path.assign(reinterpret_cast<const char*>(value), value_size);
  return 0;
}

int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size,
            void*) {
  stream_of(session, id)->request.append(reinterpret_cast<const char*>(data), size);
  return 0;
}

int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void*) {
  const bool is_message = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
  if (is_message && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) answer(session, frame->hd.stream_id);
  return 0;
}

int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* served) {
  static_cast<Served*>(served)->streams.erase(id);
  return 0;
}

Session server_session(Served& served) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  nghttp2_session* session = nullptr;
  nghttp2_session_server_new2(&session, callbacks, &served, lean_options().get());
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
  return Session(session);
}

int serve(const std::string& path) {
  const auto listener = listen_on(path);
  if (!listener) {
    std::fprintf(stderr, "runtime stub: %s\n", listener.error().c_str());
    return 1;
  }
  const Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  epoll_ctl(epoll.get(), EPOLL_CTL_ADD, listener->get(), &event);

  std::unordered_map<Connection*, std::unique_ptr<Served>> all_served;
  std::array<epoll_event, 64> events;
  while (true) {
    const int count = epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int n = 0; n < count; ++n) {
      const epoll_event& ready = events[static_cast<std::size_t>(n)];
      auto* connection = static_cast<Connection*>(ready.data.ptr);
      if (connection == nullptr) {
        Fd socket = accept_from(*listener);
        if (socket.get() < 0) continue;
        auto served = std::make_unique<Served>(epoll, std::move(socket));
        served->connection.start(server_session(*served));
        connection = &served->connection;
        all_served.emplace(connection, std::move(served));
      } else if ((ready.events & ~EPOLLOUT) != 0 && !connection->receive()) {
        all_served.erase(connection);
        continue;
      }
      if (!connection->flush()) all_served.erase(connection);
    }
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: bench_runtime_stub SOCKET [BUSY_MICROSECONDS]\n");
    return 2;
  }
  if (argc == 3) bench::busy_time = std::chrono::microseconds(std::strtol(argv[2], nullptr, 10));
  return bench::serve(argv[1]);
}
