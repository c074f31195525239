// A stream of gRPC messages, each rewritten as a whole while it passes (StreamImages: names restored).
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http2/grpc.h"

namespace shim::proxy {

class MessageRewriter {
 public:
  // The message in another form, or nothing where it stays as it is. Not called for compressed messages.
  using Rewrite = std::function<std::optional<std::string>(const std::string& message)>;

  // `max_message`: octets of one message.
  MessageRewriter(std::size_t max_message, Rewrite rewrite) : reader_(max_message), rewrite_(std::move(rewrite)) {}

  // What the octets complete, framed again; nothing where a message is larger than the maximum.
  std::optional<std::string> feed(std::string_view octets) {
    std::string out;
    while (!octets.empty()) {
      const auto state = reader_.feed(octets);
      if (state == http2::MessageReader::State::too_large) return std::nullopt;
      if (state == http2::MessageReader::State::incomplete) break;
      append(out);
    }
    return out;
  }

 private:
  void append(std::string& out) {
    const bool is_compressed = reader_.is_compressed();
    std::string message = reader_.take();
    if (!is_compressed) {
      if (auto rewritten = rewrite_(message)) message = std::move(*rewritten);
    }
    out += http2::message_prefix(message.size(), is_compressed);
    out += message;
  }

  http2::MessageReader reader_;
  Rewrite rewrite_;
};

}  // namespace shim::proxy
