#include "base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace shim {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;

class Log : public testing::Test {
 protected:
  Log() { EXPECT_EQ(::pipe2(pipe_, O_CLOEXEC), 0); }
  ~Log() override {
    close_reader();
    silence();
    ::close(pipe_[1]);
  }

  void configure(LogFormat format, bool debug = false) {
    configure_log({.format = format, .debug = debug, .fd = pipe_[1]});
  }
  void close_reader() {
    if (pipe_[0] >= 0) ::close(std::exchange(pipe_[0], -1));
  }
  // The log's own thread has ended when this returns, unless it is stuck.
  void silence() {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::null_sink_mt>()));
  }
  // Everything in the pipe until nothing comes for a while.
  std::string drain() const {
    std::string all;
    pollfd ready{pipe_[0], POLLIN, 0};
    while (::poll(&ready, 1, 200) == 1) {
      char buffer[65536];
      const ssize_t got = ::read(pipe_[0], buffer, sizeof buffer);
      if (got <= 0) break;
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }
  std::vector<std::string> lines() const {
    flush_log();
    std::istringstream all(drain());
    std::vector<std::string> out;
    for (std::string line; std::getline(all, line);) out.push_back(line);
    return out;
  }

  int pipe_[2] = {-1, -1};
};

TEST_F(Log, ATextLineHasTimeLevelAndMessage) {
  configure(LogFormat::text, true);
  spdlog::debug("a");
  spdlog::info("shim-socket: {}", "/var/run/image-cri-shim.sock");
  spdlog::warn("c");
  spdlog::error("d");
  const std::string time = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2} ";
  EXPECT_THAT(lines(), ElementsAre(MatchesRegex(time + "debug a"),
                                   MatchesRegex(time + "info shim-socket: /var/run/image-cri-shim.sock"),
                                   MatchesRegex(time + "warning c"), MatchesRegex(time + "error d")));
}

TEST_F(Log, AJsonLineIsAnObject) {
  configure(LogFormat::json);
  spdlog::warn("a \"quoted\"\n\x01 \\ 镜像 \xff");
  const auto got = lines();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_THAT(got[0], MatchesRegex(R"(\{"time":"[-0-9]{10}T[:0-9]{8}\.[0-9]{3}Z","level":"warning","message":".*"\})"));
  EXPECT_EQ(nlohmann::json::parse(got[0])["message"], "a \"quoted\"\n\x01 \\ 镜像 \uFFFD");
}

TEST_F(Log, HostileTextForgesNoLine) {
  configure(LogFormat::text);
  spdlog::info("image \n2022-12-11T02:18:47 error forged\r\x1b[2K");
  const auto got = lines();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_THAT(got[0], EndsWith("info image \\n2022-12-11T02:18:47 error forged\\r\\x1b[2K"));
}

TEST_F(Log, TheLongestJsonLineIsWritten) {
  configure(LogFormat::json);
  spdlog::info(std::string(1 << 20, '\x01'));
  const auto got = lines();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(nlohmann::json::parse(got[0])["message"], std::string(kMaxLogMessage, '\x01'));
}

TEST_F(Log, ALongMessageIsCut) {
  configure(LogFormat::text);
  spdlog::info(std::string(1 << 20, 'x'));
  const auto got = lines();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_LT(got[0].size(), kMaxLogMessage + 100);
  EXPECT_THAT(got[0], EndsWith("x…"));
}

TEST_F(Log, DebugIsSwitchedWhileRunning) {
  configure(LogFormat::text);
  spdlog::debug("one");
  set_log_debug(true);
  spdlog::debug("two");
  set_log_debug(false);
  spdlog::debug("three");
  EXPECT_THAT(lines(), ElementsAre(EndsWith("debug two")));
}

TEST_F(Log, TheFormIsSwitchedWhileRunning) {
  configure(LogFormat::text);
  spdlog::info("one");
  set_log_format(LogFormat::json);
  spdlog::info("two");
  set_log_format(LogFormat::text);
  spdlog::info("three");
  EXPECT_THAT(lines(), ElementsAre(EndsWith("info one"), HasSubstr(R"("message":"two")"), EndsWith("info three")));
}

TEST_F(Log, WhatIsLoggedIsWrittenWhenTheLogGoes) {
  configure(LogFormat::text);
  for (int i = 0; i < 100; ++i) spdlog::info("{}", i);
  silence();
  const std::string all = drain();
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 100);
}

TEST_F(Log, LinesOfManyThreadsStayWhole) {
  configure(LogFormat::text);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 100; ++i) spdlog::info("whole line");
      });
    }
  }
  const auto got = lines();
  EXPECT_EQ(got.size(), 400u);
  for (const auto& line : got) EXPECT_THAT(line, EndsWith("info whole line"));
}

TEST_F(Log, ABlockedReaderCostsTheOldestLinesAndNoWaiting) {
  configure(LogFormat::text);
  const std::uint64_t dropped_before = log_lines_dropped();
  // More than the pipe (64 KiB), the line being written and the buffer hold: a log that waits would never return.
  for (int i = 0; i < 20000; ++i) spdlog::info("line {}", i);
  std::string all = drain();
  flush_log();
  all += drain();
  EXPECT_THAT(all, HasSubstr(" lines were dropped because stderr was blocked\n"));
  EXPECT_THAT(all, EndsWith("info line 19999\n"));
  std::istringstream text(all);
  std::size_t kept = 0, dropped = 0;
  for (std::string line; std::getline(text, line);) {
    const std::size_t notice = line.find("warning log: ");
    if (notice == line.npos) {
      ++kept;
    } else {
      dropped += std::stoul(line.substr(notice + 13));
    }
  }
  EXPECT_EQ(kept + dropped, 20000u);
  EXPECT_EQ(log_lines_dropped() - dropped_before, dropped);
}

TEST_F(Log, ABlockedReaderDoesNotHoldUpTheEnd) {
  configure(LogFormat::text);
  for (int i = 0; i < 20000; ++i) spdlog::info("line {}", i);
  const auto begin = std::chrono::steady_clock::now();
  silence();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  pipe_[1] = -1;  // left open for the thread that is still stuck in it
}

TEST_F(Log, ADescriptorThatFailsCostsLinesAndItIsSaidHowMany) {
  const int fd = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  configure_log({.fd = fd});
  spdlog::info("one");
  spdlog::info("two");
  flush_log();
  ::dup3(pipe_[1], fd, O_CLOEXEC);
  spdlog::info("three");
  EXPECT_THAT(lines(), ElementsAre(EndsWith("warning log: 2 lines were lost because stderr could not be written to: "
                                            "No space left on device"),
                                   EndsWith("info three")));
  silence();
  ::close(fd);
}

TEST_F(Log, AWarningThatRepeatsIsCountedAndTheCountIsWrittenAtTheLatestWhenTheLogGoes) {
  configure(LogFormat::text);
  for (int i = 0; i < 1000; ++i) spdlog::warn("registry is down");
  spdlog::warn("another");
  for (int i = 0; i < 20; ++i) spdlog::info("pulled");
  silence();
  const std::string all = drain();
  EXPECT_THAT(all, HasSubstr("warning registry is down (said 995 times more in the last 1s)\n"));
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 5 + 1 + 20 + 1);
}

TEST_F(Log, WhatIsMeasuredMakesNoOtherLine) {
  configure(LogFormat::json);
  for (int i = 0; i < 10; ++i) {
    LogFields fields;
    fields.number("attempts", i);
    log_event(spdlog::level::err, "cannot pull nginx", " duration=" + std::to_string(i) + "s", fields);
  }
  silence();
  std::istringstream all(drain());
  std::vector<nlohmann::json> got;
  for (std::string line; std::getline(all, line);) got.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(got.size(), 6u);
  EXPECT_EQ(got[4]["message"], "cannot pull nginx duration=4s");
  EXPECT_EQ(got[4]["attempts"], 4);
  EXPECT_EQ(got[5]["message"], "cannot pull nginx (said 5 times more in the last 1s)");
  EXPECT_EQ(got[5]["repeats"], 5);
  EXPECT_FALSE(got[5].contains("attempts"));
}

TEST_F(Log, FieldsAreThoseOfTheirOwnLine) {
  configure(LogFormat::json);
  LogFields fields;
  fields.text("image", "nginx");
  log_event(spdlog::level::info, "one", "", fields);
  spdlog::info("two");
  EXPECT_THAT(lines(), ElementsAre(EndsWith(R"("message":"one","image":"nginx"})"), EndsWith(R"("message":"two"})")));
}

TEST_F(Log, JournaldIsToldThePriorityOfEachLine) {
  configure_log({.has_priorities = true, .fd = pipe_[1]});
  spdlog::info("a");
  spdlog::error("b");
  EXPECT_THAT(lines(), ElementsAre(MatchesRegex("<6>[-0-9T:]{19} info a"), MatchesRegex("<3>[-0-9T:]{19} error b")));
}

TEST(LogDeathTest, AnExceptionThatNobodyCatchesIsWritten) {
  const auto fail = [] {
    configure_log({});
    spdlog::info("the line before");
    []() noexcept { std::rethrow_exception(std::make_exception_ptr(std::runtime_error("the reason"))); }();
  };
  EXPECT_DEATH(fail(), "info the line before\n.*error image-cri-shim ends by an error of its own.*: the reason");
}

TEST_F(Log, AReaderThatWentAwayIsSurvived) {
  configure(LogFormat::text);
  close_reader();
  spdlog::info("to nobody");
  flush_log();
}

}  // namespace
}  // namespace shim
