// For tests of what runs on connections: two Connections over a socketpair, or one and a peer that speaks raw frames,
// all on one io_context without a thread or a sleep.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http2/connection.h"
#include "http2/flush_queue.h"

namespace shim::http2::testing {

// Records what a stream's listener is told, and fails the test where it is told anything after its end.
class RecordingStream final : public StreamListener {
 public:
  RecordingStream() = default;
  RecordingStream(const RecordingStream&) = delete;
  RecordingStream& operator=(const RecordingStream&) = delete;
  ~RecordingStream() {
    if (stream != nullptr && stream->listener() == this) stream->set_listener(nullptr);
  }

  Stream* stream = nullptr;  // null once it is closed
  bool gives_back = true;    // the window of what arrives
  std::optional<HeaderList> headers;
  std::optional<HeaderList> trailers;
  std::string body;
  std::size_t taken = 0;  // octets
  bool has_ended = false;
  std::optional<std::uint32_t> closed_with;
  bool connection_lost = false;
  std::function<void()> on_event;  // after each of the calls

  void attach(Stream& to) {
    stream = &to;
    to.set_listener(this);
  }

  void on_headers(HeaderList&& list, bool is_end) override {
    headers = std::move(list);
    has_ended = is_end;
    tell();
  }
  void on_data(std::string_view octets) override {
    body.append(octets);
    if (gives_back) stream->consume(octets.size());
    tell();
  }
  void on_trailers(HeaderList&& list) override {
    trailers = std::move(list);
    has_ended = true;
    tell();
  }
  void on_end() override {
    has_ended = true;
    tell();
  }
  void on_taken(std::size_t octets) override {
    taken += octets;
    tell();
  }
  void on_close(std::uint32_t error_code, bool is_lost) override {
    EXPECT_FALSE(closed_with) << "closed twice";
    closed_with = error_code;
    connection_lost = is_lost;
    stream = nullptr;
    if (on_event) on_event();
  }

 private:
  void tell() const {
    EXPECT_FALSE(closed_with) << "told of something after its end";
    if (on_event) on_event();
  }
};

// Keeps every request that arrives on a connection, each with a RecordingStream of its own.
class RecordingConnection final : public ConnectionListener {
 public:
  std::vector<std::unique_ptr<RecordingStream>> requests;
  bool takes_requests = true;
  bool streams_give_back = true;
  bool has_goaway = false;
  std::optional<std::string> closed_because;
  std::function<void(RecordingStream&)> on_new_request;

  void on_request(Stream& stream, HeaderList&& headers, bool is_end) override {
    requests.push_back(std::make_unique<RecordingStream>());
    RecordingStream& request = *requests.back();
    request.gives_back = streams_give_back;
    request.headers = std::move(headers);
    request.has_ended = is_end;
    if (takes_requests) request.attach(stream);
    if (on_new_request) on_new_request(request);
  }
  void on_goaway(Connection&) override { has_goaway = true; }
  void on_closed(Connection&, std::string_view reason) override {
    EXPECT_FALSE(closed_because) << "closed twice";
    closed_because = std::string(reason);
  }
};

inline HeaderList request_headers(std::string_view path = "/a.B/C") {
  HeaderList list;
  list.add(":method", "POST");
  list.add(":scheme", "http");
  list.add(":path", path);
  list.add(":authority", "localhost");
  list.add("te", "trailers");
  return list;
}

inline HeaderList list_of(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  HeaderList list;
  for (const auto& [name, value] : fields) list.add(name, value);
  return list;
}

class Loop {
 public:
  boost::asio::io_context context{1};
  FlushQueue queue{context};

  // Runs until nothing is left that does not wait for a timer.
  void settle() {
    context.restart();
    while (context.poll() != 0) context.restart();
  }
  // Two connected sockets.
  std::pair<Connection::Socket, int> socket_pair() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    return {Connection::Socket(context, boost::asio::local::stream_protocol(), ends[0]), ends[1]};
  }
  Connection::Socket socket_of(int descriptor) { return {context, boost::asio::local::stream_protocol(), descriptor}; }
};

// A client and a server that have exchanged their settings.
class ConnectedPair : public Loop {
 public:
  explicit ConnectedPair(const Limits& limits = {})
      : client(Connection::create(Connection::Role::client, limits, queue, client_side)),
        server(Connection::create(Connection::Role::server, limits, queue, server_side)) {
    auto [one, other] = socket_pair();
    client->start(std::move(one));
    server->start(socket_of(other));
    settle();
  }
  ~ConnectedPair() {
    client->close("the test is over");
    server->close("the test is over");
    settle();
  }
  ConnectedPair(const ConnectedPair&) = delete;
  ConnectedPair& operator=(const ConnectedPair&) = delete;

  // The client's stream; requests of the server show the other side.
  Stream& request(RecordingStream& listener, bool is_end = false, const HeaderList& headers = request_headers()) {
    Stream* stream = client->submit_request(headers, is_end, listener);
    EXPECT_NE(stream, nullptr);
    listener.stream = stream;
    settle();
    return *stream;
  }
  RecordingStream& served(std::size_t index = 0) { return *server_side.requests.at(index); }

  RecordingConnection client_side;
  RecordingConnection server_side;
  std::shared_ptr<Connection> client;
  std::shared_ptr<Connection> server;
};

// RFC 9113 §4.1.
struct Frame {
  enum Type : std::uint8_t {
    data = 0,
    headers = 1,
    rst_stream = 3,
    settings = 4,
    ping = 6,
    goaway = 7,
    window = 8,
    continuation = 9
  };
  static constexpr std::uint8_t kEndStream = 1;
  static constexpr std::uint8_t kAck = 1;
  static constexpr std::uint8_t kEndHeaders = 4;

  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
};

inline std::string number_of_four(std::uint32_t number) {
  return {static_cast<char>(number >> 24), static_cast<char>(number >> 16), static_cast<char>(number >> 8),
          static_cast<char>(number)};
}

// RFC 7541 §6.2.2, literals without indexing; names and values below 127 octets.
inline std::string encoded(const HeaderList& headers) {
  std::string block;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    block += '\0';
    for (const std::string_view text : {headers[i].name, headers[i].value}) {
      block += static_cast<char>(text.size());
      block += text;
    }
  }
  return block;
}

// One Connection whose peer is the test itself.
class RawPeer : public Loop {
 public:
  explicit RawPeer(Connection::Role role, const Limits& limits = {})
      : connection(Connection::create(role, limits, queue, listener)) {
    auto [one, other] = socket_pair();
    peer_ = other;
    connection->start(std::move(one));
    if (role == Connection::Role::server) {
      send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      send_frame(Frame::settings, 0, 0, "");
    } else {
      preface_to_skip_ = 24;
      send_frame(Frame::settings, 0, 0, "");
    }
    receive();
  }
  ~RawPeer() {
    connection->close("the test is over");
    settle();
    hang_up();
  }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  // Client: a request without a body.
  void request(RecordingStream& listener_of_it) {
    listener_of_it.stream = connection->submit_request(request_headers(), true, listener_of_it);
    EXPECT_NE(listener_of_it.stream, nullptr);
    settle();
  }
  void send(std::string_view octets) {
    EXPECT_EQ(::send(peer_, octets.data(), octets.size(), MSG_NOSIGNAL), static_cast<ssize_t>(octets.size()));
    settle();
  }
  void send_frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
    std::string frame = number_of_four(static_cast<std::uint32_t>(payload.size())).substr(1);
    frame += {static_cast<char>(type), static_cast<char>(flags)};
    frame += number_of_four(stream);
    send(frame.append(payload));
  }
  void send_headers(std::uint32_t stream, const HeaderList& list, bool is_end) {
    const auto flags = static_cast<std::uint8_t>(Frame::kEndHeaders | (is_end ? Frame::kEndStream : 0));
    send_frame(Frame::headers, flags, stream, encoded(list));
  }
  void hang_up() {
    if (const int descriptor = std::exchange(peer_, -1); descriptor >= 0) ::close(descriptor);
    settle();
  }

  // What has arrived from the connection since the last call.
  std::vector<Frame> receive() {
    settle();
    char octets[65536];
    for (ssize_t size = 0; (size = ::recv(peer_, octets, sizeof(octets), MSG_DONTWAIT)) > 0; settle()) {
      received_.append(octets, static_cast<std::size_t>(size));
    }
    received_.erase(0, std::exchange(preface_to_skip_, 0));
    std::vector<Frame> frames;
    while (received_.size() >= 9) {
      const auto octet = [&](std::size_t at) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(received_[at]));
      };
      const std::size_t size = (octet(0) << 16) | (octet(1) << 8) | octet(2);
      if (received_.size() < 9 + size) break;
      const std::uint32_t stream = (octet(5) << 24) | (octet(6) << 16) | (octet(7) << 8) | octet(8);
      frames.push_back({static_cast<std::uint8_t>(octet(3)), static_cast<std::uint8_t>(octet(4)), stream,
                        received_.substr(9, size)});
      received_.erase(0, 9 + size);
    }
    return frames;
  }
  std::vector<Frame> receive(Frame::Type type) {
    std::vector<Frame> frames = receive();
    std::erase_if(frames, [&](const Frame& frame) { return frame.type != type; });
    return frames;
  }

  RecordingConnection listener;
  std::shared_ptr<Connection> connection;

 private:
  int peer_ = -1;
  std::size_t preface_to_skip_ = 0;
  std::string received_;
};

}  // namespace shim::http2::testing
