// A bound on what many buffers hold together. Single-threaded.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace shim {

class ByteBudget {
 public:
  // What one buffer has taken; given back when the Hold goes. May outlive the ByteBudget.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept : used_(std::move(other.used_)), octets_(std::exchange(other.octets_, 0)) {}
    Hold& operator=(Hold&& other) noexcept {
      if (this != &other) {
        release();
        used_ = std::move(other.used_);
        octets_ = std::exchange(other.octets_, 0);
      }
      return *this;
    }
    ~Hold() { release(); }

   private:
    friend class ByteBudget;
    void release() {
      if (used_) *used_ -= std::exchange(octets_, 0);
    }

    std::shared_ptr<std::size_t> used_;
    std::size_t octets_ = 0;
  };

  explicit ByteBudget(std::size_t limit) : limit_(limit), used_(std::make_shared<std::size_t>(0)) {}

  // Adds `octets` to what `hold` has taken; false, with nothing taken, where the limit would be passed.
  bool take(Hold& hold, std::size_t octets) {
    if (octets > limit_ - *used_) return false;
    *used_ += octets;
    hold.used_ = used_;
    hold.octets_ += octets;
    return true;
  }
  std::size_t used() const { return *used_; }

 private:
  std::size_t limit_;  // octets
  std::shared_ptr<std::size_t> used_;
};

}  // namespace shim
