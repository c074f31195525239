#include "kubernetes/frame_splitter.h"

#include <algorithm>

namespace shim::kubernetes {
namespace {

constexpr std::size_t kKeptBytes = 64 * 1024;

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

bool FrameSplitter::add(std::string_view piece) {
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  if (buffer_.empty() && buffer_.capacity() > kKeptBytes) std::string().swap(buffer_);  // of a long frame before
  buffer_ += piece;
  const auto first_end = std::min(buffer_.find('\n', scanned_), buffer_.size());
  return first_end <= kMaxFrameBytes;
}

std::optional<std::string_view> FrameSplitter::next() {
  for (;;) {
    const auto end = buffer_.find('\n', scanned_);
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      return std::nullopt;
    }
    const auto line = std::string_view(buffer_).substr(begin_, end - begin_);
    begin_ = scanned_ = end + 1;
    if (!is_blank(line)) return line;
  }
}

}  // namespace shim::kubernetes
