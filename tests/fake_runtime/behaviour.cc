#include "behaviour.h"

#include <stdexcept>

namespace fake_runtime {
namespace {

Kind ParseKind(const std::string& name) {
  if (name == "cri") return Kind::kCri;
  if (name == "echo") return Kind::kEcho;
  if (name == "stream") return Kind::kStream;
  if (name == "reply") return Kind::kReply;
  if (name == "count") return Kind::kCount;
  if (name == "deaf") return Kind::kDeaf;
  throw std::invalid_argument("no kind of behaviour is named " + name);
}

int HexValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  throw std::invalid_argument("not hex");
}

}  // namespace

Behaviour ParseBehaviour(const nlohmann::json& json) {
  Behaviour behaviour;
  for (const auto& [key, value] : json.items()) {
    if (key == "kind") {
      behaviour.kind = ParseKind(value);
    } else if (key == "messages") {
      behaviour.messages = value;
    } else if (key == "size") {
      behaviour.size = value;
    } else if (key == "replies") {
      for (const std::string hex : value) behaviour.replies.push_back(FromHex(hex));
    } else if (key == "hold") {
      behaviour.hold = value;
    } else if (key == "delay_ms") {
      behaviour.delay = std::chrono::milliseconds(value.get<int>());
    } else if (key == "crash") {
      behaviour.crash = value;
    } else if (key == "trailers") {
      behaviour.trailers = value.get<std::map<std::string, std::string>>();
    } else if (key == "id") {
      behaviour.image_id = value;
    } else if (key == "digest") {
      behaviour.digest = value;
    } else if (key != "code" && key != "message" && key != "details") {
      throw std::invalid_argument("no behaviour is named " + key);
    }
  }
  behaviour.status = grpc::Status(grpc::StatusCode(json.value("code", 0)), json.value("message", ""),
                                  FromHex(json.value("details", "")));
  return behaviour;
}

std::string ToHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const unsigned char byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 0xf];
  }
  return hex;
}

std::string FromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) throw std::invalid_argument("odd number of hex digits");
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) bytes += char(HexValue(hex[i]) << 4 | HexValue(hex[i + 1]));
  return bytes;
}

}  // namespace fake_runtime
