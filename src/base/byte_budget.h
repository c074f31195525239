// A bound on what many buffers hold together: who does not fit waits for its turn.
//
// A buffer takes all that it will need at once, so that buffers which are half full never wait for each other.
// First come, first served; single-threaded.
#pragma once

#include <cassert>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

namespace shim {

class ByteBudget {
  struct Claim {
    std::size_t octets = 0;
    std::function<void()> on_granted;  // empty once it is granted or given up
    bool is_granted = false;
  };
  struct State {
    std::size_t limit;
    std::size_t used = 0;
    std::deque<std::shared_ptr<Claim>> waiting;

    void grant_waiting() {
      while (!waiting.empty()) {
        const std::shared_ptr<Claim> claim = waiting.front();
        if (!claim->on_granted) {
          waiting.pop_front();  // given up meanwhile
          continue;
        }
        if (claim->octets > limit - used) return;
        waiting.pop_front();
        used += claim->octets;
        claim->is_granted = true;
        std::exchange(claim->on_granted, nullptr)();
      }
    }
  };

 public:
  // What one buffer has taken, or waits for; given back when the Hold goes. May outlive the ByteBudget.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&&) noexcept = default;
    Hold& operator=(Hold&& other) noexcept {
      if (this != &other) {
        release();
        state_ = std::move(other.state_);
        claim_ = std::move(other.claim_);
      }
      return *this;
    }
    ~Hold() { release(); }

    bool is_waiting() const { return claim_ && !claim_->is_granted; }

   private:
    friend class ByteBudget;
    void release() {
      const auto claim = std::exchange(claim_, nullptr);
      if (!claim) return;
      claim->on_granted = nullptr;
      if (claim->is_granted) state_->used -= claim->octets;
      state_->grant_waiting();
    }

    std::shared_ptr<State> state_;
    std::shared_ptr<Claim> claim_;
  };

  explicit ByteBudget(std::size_t limit) : state_(std::make_shared<State>(State{limit, 0, {}})) {}

  // Takes `octets`, now or when they are free: `on_granted` is called once then, unless the Hold has gone before. It is
  // not called where the Hold does not wait. REQUIRES: octets are at most the limit.
  [[nodiscard]] Hold take(std::size_t octets, std::function<void()> on_granted) {
    assert(octets <= state_->limit);
    Hold hold;
    hold.state_ = state_;
    hold.claim_ = std::make_shared<Claim>(Claim{octets, nullptr, false});
    if (state_->waiting.empty() && octets <= state_->limit - state_->used) {
      state_->used += octets;
      hold.claim_->is_granted = true;
    } else {
      hold.claim_->on_granted = std::move(on_granted);
      state_->waiting.push_back(hold.claim_);
    }
    return hold;
  }
  std::size_t used() const { return state_->used; }
  std::size_t waiting() const { return state_->waiting.size(); }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace shim
