// A value that no log, error, page, metric or dump can print.
//
// There is no conversion to a string, no stream operator and no formatter; the only way to the text is `reveal()`, so
// that a search for that word finds each place where a secret leaves the process. Comparing two secrets is allowed
// (a reload must know whether a password changed). The memory is cleared when the value is destroyed.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace shim {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      wipe();
      text_ = other.text_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = std::move(other.text_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  // The text, for the one place that sends it to the peer that it is for.
  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  void wipe() {
    volatile char* at = text_.data();
    for (std::size_t i = 0; i < text_.size(); ++i) at[i] = 0;
    text_.clear();
  }

  std::string text_;
};

}  // namespace shim
