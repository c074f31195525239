#include "kubernetes/watch_stream.h"

#include <gtest/gtest.h>

#include <string>

#include "kubernetes/testing.h"

namespace shim::kubernetes {
namespace {

using namespace std::chrono_literals;
using testing::bookmark_json;
using testing::config_map_json;
using testing::event_json;

class WatchStreamTest : public ::testing::Test {
 protected:
  bool add(const std::string& piece) { return stream_.add(piece, now_); }
  // The text that was seen last; `-` where nothing was.
  std::string text() {
    const auto sight = stream_.take_sight();
    if (!sight) return "-";
    const auto* present = std::get_if<Present>(&*sight);
    return present ? present->text.value_or("no key") : "absent";
  }

  ConfigMapKey wanted_{.name_space = "kube-system", .name = "image-cri-shim", .key = "registries.yaml"};
  WatchStream stream_{wanted_};
  WatchStream::TimePoint now_{};
};

TEST_F(WatchStreamTest, LastsFromItsHead) {
  EXPECT_EQ(stream_.lasted(now_), 0ms);
  EXPECT_TRUE(add(""));
  EXPECT_EQ(stream_.lasted(now_), 1ms);
  EXPECT_EQ(stream_.lasted(now_ + 2s), 2s);
}

TEST_F(WatchStreamTest, SaysWhatItSawLast) {
  const std::string events = event_json("ADDED", config_map_json("1", "a")) +
                             event_json("MODIFIED", config_map_json("2", "b")) + bookmark_json("3");
  for (const char c : events) ASSERT_TRUE(add({c}));
  EXPECT_EQ(text(), "b");
  EXPECT_EQ(text(), "-");
  EXPECT_EQ(stream_.resource_version(), "3");
  EXPECT_TRUE(stream_.had_bookmark());
  EXPECT_TRUE(add(event_json("DELETED", config_map_json("4", "b"))));
  EXPECT_EQ(text(), "absent");
}

TEST_F(WatchStreamTest, KeepsWhatItSawBeforeAnError) {
  EXPECT_FALSE(add(event_json("ADDED", config_map_json("1", "a")) +
                   event_json("ERROR", testing::status_json(410, "Expired", "too old"))));
  EXPECT_EQ(text(), "a");
  ASSERT_TRUE(stream_.status());
  EXPECT_EQ(stream_.status()->code, 410);
}

TEST_F(WatchStreamTest, TakesALastFrameWithoutALineEnd) {
  std::string event = event_json("ADDED", config_map_json("1", "a"));
  event.pop_back();
  EXPECT_TRUE(add(event));
  EXPECT_EQ(text(), "-");
  EXPECT_TRUE(stream_.end());
  EXPECT_EQ(text(), "a");
}

TEST_F(WatchStreamTest, HasFailedWhereItEndsInAFrame) {
  EXPECT_TRUE(add(R"({"type":)"));
  EXPECT_FALSE(stream_.end());
  EXPECT_EQ(stream_.error(), "no JSON (at byte 9)");
}

TEST_F(WatchStreamTest, BoundsAFrame) {
  bool goes_on = true;
  for (int i = 0; i < 300 && goes_on; ++i) goes_on = add(std::string(16 * 1024, ' '));
  EXPECT_FALSE(goes_on);
  EXPECT_EQ(stream_.error(), "an event of more than 4Mi bytes");
}

}  // namespace
}  // namespace shim::kubernetes
