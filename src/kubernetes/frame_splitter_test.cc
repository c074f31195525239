#include "kubernetes/frame_splitter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace shim::kubernetes {
namespace {

using Frames = std::vector<std::string>;

// The frames of `text`, given in pieces of that size; the rest in brackets.
Frames split(std::string_view text, std::size_t piece_size) {
  FrameSplitter splitter;
  Frames frames;
  for (std::size_t at = 0; at < text.size(); at += piece_size) {
    EXPECT_TRUE(splitter.add(text.substr(at, piece_size)));
    while (const auto frame = splitter.next()) frames.emplace_back(*frame);
  }
  if (!splitter.rest().empty()) frames.push_back("[" + std::string(splitter.rest()) + "]");
  return frames;
}

TEST(FrameSplitter, GivesTheSameFramesForPiecesOfAnySize) {
  const std::string text = "one\n{\"two\":2}\n\n \r\nthree\nfour";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    EXPECT_EQ(split(text, size), (Frames{"one", "{\"two\":2}", "three", "[four]"})) << size;
  }
}

TEST(FrameSplitter, KeepsALongFrameOfManyPieces) {
  const std::string frame(FrameSplitter::kMaxFrameBytes, 'x');
  EXPECT_EQ(split(frame + "\nnext\n", 16 * 1024), (Frames{frame, "next"}));
}

TEST(FrameSplitter, RefusesAFrameThatIsTooLong) {
  FrameSplitter splitter;
  const std::string piece(16 * 1024, 'x');
  std::size_t taken = 0;
  while (splitter.add(piece)) {
    EXPECT_FALSE(splitter.next());
    taken += piece.size();
  }
  EXPECT_EQ(taken, FrameSplitter::kMaxFrameBytes);
}

}  // namespace
}  // namespace shim::kubernetes
