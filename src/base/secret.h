// A value that no log, error, page, metric or dump can print.
//
// There is no conversion to a string, no stream operator and no formatter; the only way to the text is `reveal()`, so
// that a search for that word finds each place where a secret leaves the process. Comparing two secrets is allowed
// (a reload must know whether a password changed).
//
// The text lives in one allocation of its own that is cleared before it is freed. It is not a std::string because a
// short one keeps its bytes inside the object, where a move leaves them behind. A string that is moved in is cleared.
#pragma once

#include <string.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace shim {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : size_(text.size()), bytes_(copy_of(text)) {}
  explicit Secret(const char* text) : Secret(std::string_view(text)) {}
  // Clears `text`, with what it may still hold beyond its end.
  explicit Secret(std::string&& text) : Secret(std::string_view(text)) {
    text.resize(text.capacity());
    explicit_bzero(text.data(), text.size());
    text.clear();
  }
  Secret(const Secret& other) : Secret(other.reveal()) {}
  Secret(Secret&& other) noexcept : size_(std::exchange(other.size_, 0)), bytes_(std::move(other.bytes_)) {}
  Secret& operator=(Secret other) noexcept {
    std::swap(size_, other.size_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Secret() {
    if (bytes_) explicit_bzero(bytes_.get(), size_);
  }

  // The text, for the one place that sends it to the peer that it is for. Borrowed until the secret changes.
  std::string_view reveal() const { return {bytes_.get(), size_}; }
  bool empty() const { return size_ == 0; }

  friend bool operator==(const Secret& a, const Secret& b) { return a.reveal() == b.reveal(); }

 private:
  static std::unique_ptr<char[]> copy_of(std::string_view text) {
    if (text.empty()) return nullptr;
    auto bytes = std::make_unique_for_overwrite<char[]>(text.size());
    std::ranges::copy(text, bytes.get());
    return bytes;
  }

  std::size_t size_ = 0;
  std::unique_ptr<char[]> bytes_;
};

}  // namespace shim
