// What the fake runtime does with a call, as a test asks for it in JSON over the control socket.
#pragma once

#include <grpcpp/support/status.h>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fake_runtime {

enum class Kind {
  kCri,     // the CRI method that the path names; UNIMPLEMENTED where there is none
  kEcho,    // each message comes back as it is: a unary call is one message long
  kStream,  // one request, then `messages` messages of `size` bytes
  kReply,   // one request, then the messages of `replies`
  kCount,   // reads all messages and answers {"messages": …, "bytes": …}
  kDeaf,    // reads nothing and answers nothing until the call is cancelled
};

// Metadata named `echo-initial-…` and `echo-trailing-…` in a request comes back at that place, whatever the kind;
// `echo-compress: gzip` makes the answer a compressed one.
struct Behaviour {
  Kind kind = Kind::kCri;
  int messages = 0;
  size_t size = 0;
  std::vector<std::string> replies;

  // Before the answer: wait for a `Release` (or the call's end), then for `delay`; or take the process down.
  bool hold = false;
  std::chrono::milliseconds delay{0};
  bool crash = false;

  // Not OK: the answer is this status instead of what `kind` says (kStream, kReply: after it), with these trailers.
  grpc::Status status;
  std::map<std::string, std::string> trailers;

  // For PullImage: the image that is under the name.
  std::string image_id;
  std::string digest;
};

// REQUIRES: `json` is an object; throws nlohmann::json::exception or std::invalid_argument with the reason else.
Behaviour ParseBehaviour(const nlohmann::json& json);

// Raw bytes ↔ hex, for what JSON strings cannot hold.
std::string ToHex(std::string_view bytes);
std::string FromHex(std::string_view hex);

}  // namespace fake_runtime
