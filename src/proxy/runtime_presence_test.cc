#include "proxy/runtime_presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace shim::proxy {
namespace {

using namespace std::chrono_literals;
using Event = RuntimeLink::Event;
using testing::HasSubstr;

class RuntimePresenceTest : public testing::Test {
 protected:
  std::string note(Event event, const std::string& why = "") {
    const auto line = presence_.note(event, "/run/c.sock", why, now_);
    if (!line) return "";
    const auto level = spdlog::level::to_string_view(line->level);
    return std::string(level.data(), level.size()) + " " + line->text;
  }

  RuntimePresence presence_;
  RuntimePresence::Clock::time_point now_{1h};
};

TEST_F(RuntimePresenceTest, ConnectionsThatComeAndGoAreNoNews) {
  for (const Event event : {Event::connected, Event::connected, Event::left, Event::connected, Event::left}) {
    EXPECT_EQ(note(event), "");
  }
}

TEST_F(RuntimePresenceTest, ALossIsSaidOnceAndSoIsItsEnd) {
  EXPECT_THAT(note(Event::lost, "the peer closed it"),
              HasSubstr("warning the container runtime at /run/c.sock ended its connection (the peer closed it)"));
  EXPECT_EQ(note(Event::lost), "") << "another client's";
  now_ += 1204ms;
  EXPECT_EQ(note(Event::connected), "info the container runtime at /run/c.sock is connected again after 1.204s");
  EXPECT_EQ(note(Event::connected), "");
}

TEST_F(RuntimePresenceTest, ARuntimeThatIsAwayIsOneError) {
  note(Event::lost);
  EXPECT_EQ(note(Event::unreachable, "cannot be reached"), "error cannot be reached; all calls fail until it is");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(note(Event::unreachable, "cannot be reached"), "");
  now_ += 3s;
  EXPECT_THAT(note(Event::connected), HasSubstr(" again after 3s"));
  EXPECT_THAT(note(Event::unreachable, "cannot be reached"), HasSubstr("error ")) << "news again";
}

}  // namespace
}  // namespace shim::proxy
