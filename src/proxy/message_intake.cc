#include "proxy/message_intake.h"

#include <utility>

namespace shim::proxy {
namespace {

// Messages up to this do not wait behind large ones: a status question must not stand behind sixteen image lists.
constexpr std::size_t kUncounted = 16 * 1024;

}  // namespace

MessageIntake::State MessageIntake::feed(http2::Stream& stream, std::string_view octets) {
  stream_ = &stream;
  if (is_complete_ && !octets.empty()) return State::second_message;
  const std::size_t arrived = octets.size();
  const auto state = reader_.feed(octets);
  if (state == http2::MessageReader::State::too_large) return State::too_large;
  if (!has_claimed_ && reader_.has_prefix() && reader_.announced() > kUncounted) {
    has_claimed_ = true;
    hold_ = budget_.take(reader_.announced(), [this] { on_granted(); });
  }
  give_back(arrived);
  if (state == http2::MessageReader::State::incomplete) return State::incomplete;
  is_complete_ = true;
  return octets.empty() ? State::complete : State::second_message;
}

void MessageIntake::give_back(std::size_t octets) {
  withheld_ += octets;
  if (hold_.is_waiting() || stream_ == nullptr) return;
  stream_->consume(std::exchange(withheld_, 0));
}

void MessageIntake::on_granted() {
  give_back(0);
}

}  // namespace shim::proxy
