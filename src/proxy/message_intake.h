// One image message taken in from a stream: framed, bounded by maxMessageSize, and by what all such messages may hold
// together.
//
// The stream's window is given back as octets arrive, but only once the whole message has its place in the budget:
// until then the peer is stopped by its window.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/byte_budget.h"
#include "http2/grpc.h"
#include "http2/stream.h"

namespace shim::proxy {

class MessageIntake {
 public:
  // REQUIRES: `budget` is at least `max_message`. Both references outlive the intake.
  MessageIntake(std::size_t max_message, ByteBudget& budget) : reader_(max_message), budget_(budget) {}
  MessageIntake(const MessageIntake&) = delete;
  MessageIntake& operator=(const MessageIntake&) = delete;

  enum class State { incomplete, complete, too_large, second_message };
  // Takes what arrived on `stream`, whose window it gives back. REQUIRES: the intake goes, or stop() is called, before
  // the stream does.
  State feed(http2::Stream& stream, std::string_view octets);
  // The stream is gone.
  void stop() { stream_ = nullptr; }

  bool is_empty() const { return reader_.is_between_messages() && !is_complete_; }
  bool is_complete() const { return is_complete_; }
  bool is_compressed() const { return reader_.is_compressed(); }
  std::uint32_t announced() const { return reader_.announced(); }
  std::string take_message() { return reader_.take(); }
  // What the message counts for, to be kept as long as its octets. A message that came whole before its turn is no
  // longer than the stream's window, and is not counted.
  ByteBudget::Hold take_hold() { return hold_.is_waiting() ? ByteBudget::Hold() : std::move(hold_); }

 private:
  void give_back(std::size_t octets);
  void on_granted();

  http2::MessageReader reader_;
  ByteBudget& budget_;
  ByteBudget::Hold hold_;
  http2::Stream* stream_ = nullptr;
  std::size_t withheld_ = 0;  // octets whose window is given back once there is room
  bool has_claimed_ = false;
  bool is_complete_ = false;
};

}  // namespace shim::proxy
