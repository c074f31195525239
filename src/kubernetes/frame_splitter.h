// The frames of a watch: one JSON text a line, in pieces of any size. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace shim::kubernetes {

class FrameSplitter {
 public:
  // An object of etcd's has at most 1.5 MiB; escaped, and with what field managers note, it is still below this.
  static constexpr std::size_t kMaxFrameBytes = 4 * 1024 * 1024;

  // False where a frame has become too long. REQUIRES: next() has given nothing since the last piece.
  bool add(std::string_view piece);
  // The next whole frame, without its line end; lines without text are left out. Borrowed until add().
  std::optional<std::string_view> next();
  // What came after the last line end: the last frame, where the stream ended well.
  std::string_view rest() const { return std::string_view(buffer_).substr(begin_); }

 private:
  std::string buffer_;
  std::size_t begin_ = 0;    // of the next frame
  std::size_t scanned_ = 0;  // no line end from begin_ to here
};

}  // namespace shim::kubernetes
