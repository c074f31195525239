#include "cri/pull_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/log.h"

namespace shim::cri {
namespace {

using http2::Status;
using http2::StatusCode;
using registry::Outcome;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;

const PullLog::Source kFirst{.registry = "http://a.local", .name = "a.local/library/nginx:1.25", .priority = 600};
const PullLog::Source kSecond{.registry = "http://b.local", .name = "b.local/library/nginx:1.25", .priority = 500};
const PullLog::Source kOriginal{.registry = "docker.io", .name = "nginx:1.25", .priority = std::nullopt};

Outcome outcome_of(const PullLog::Source& source, Outcome::Kind kind, std::string reason) {
  return {.source = source.registry, .name = source.name, .kind = kind, .reason = std::move(reason)};
}

class PullLogTest : public testing::Test {
 protected:
  PullLogTest() : file_(std::tmpfile()) {}
  ~PullLogTest() override {
    silence();
    std::fclose(file_);
  }

  void configure(LogFormat format) { configure_log({.format = format, .fd = ::fileno(file_)}); }
  void silence() {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::null_sink_mt>()));
  }
  std::string text() {
    flush_log();
    std::string all(65536, '\0');
    const ssize_t size = ::pread(::fileno(file_), all.data(), all.size(), 0);
    all.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return all;
  }
  std::vector<nlohmann::json> objects() {
    std::istringstream all(text());
    std::vector<nlohmann::json> objects;
    for (std::string line; std::getline(all, line);) objects.push_back(nlohmann::json::parse(line));
    return objects;
  }

  std::FILE* file_;
};

TEST_F(PullLogTest, APullIsOneLineInTheWordsThatOperatorsGrepFor) {
  configure(LogFormat::text);
  PullLog log("nginx:1.25", "team");
  log.attempt_begins(kFirst);
  log.pulled({outcome_of(kFirst, Outcome::Kind::holds, "")});
  EXPECT_THAT(text(), MatchesRegex("[-0-9T:]{19} info priority match: image=nginx:1.25 action=PullImage "
                                   "matched_registry=http://a.local priority=600 result=a.local/library/nginx:1.25 "
                                   "duration=[0-9.]+m?s attempts=1\n"));
}

TEST_F(PullLogTest, WhySourcesBeforeItWerePassedOverIsInTheLine) {
  configure(LogFormat::text);
  PullLog log("nginx:1.25", "");
  log.attempt_begins(kOriginal);
  log.pulled({outcome_of(kFirst, Outcome::Kind::absent, "404 Not Found"),
              outcome_of(kSecond, Outcome::Kind::unreachable, "connection refused"),
              outcome_of(kOriginal, Outcome::Kind::not_asked, "not asked")});
  EXPECT_THAT(text(), HasSubstr(" matched_registry=docker.io priority=fallback result=nginx:1.25 duration="));
  EXPECT_THAT(text(), EndsWith(" attempts=1 passed_over=[http://a.local: 404 Not Found; http://b.local: connection "
                               "refused]\n"));
}

TEST_F(PullLogTest, WhatComesAfterItWasNotPassedOver) {
  configure(LogFormat::text);
  PullLog log("nginx:1.25", "");
  log.attempt_begins(kFirst);
  log.pulled({outcome_of(kFirst, Outcome::Kind::holds, ""), outcome_of(kSecond, Outcome::Kind::absent, "404")});
  EXPECT_THAT(text(), EndsWith(" attempts=1\n"));
}

TEST_F(PullLogTest, GoingOnToAnotherSourceIsAWarning) {
  configure(LogFormat::text);
  PullLog log("nginx:1.25", "");
  log.attempt_begins(kFirst);
  log.attempt_failed(Status{StatusCode::unknown, "unexpected EOF"});
  log.attempt_begins(kSecond);
  log.pulled({outcome_of(kFirst, Outcome::Kind::pull_failed, "unexpected EOF"),
              outcome_of(kSecond, Outcome::Kind::holds, "")});
  EXPECT_THAT(text(),
              HasSubstr(" warning pull of nginx:1.25 from http://a.local as a.local/library/nginx:1.25 failed, "
                        "going on from http://b.local as b.local/library/nginx:1.25: UNKNOWN: unexpected EOF\n"));
  EXPECT_THAT(text(), EndsWith(" attempts=2 passed_over=[http://a.local: unexpected EOF]\n"));
}

TEST_F(PullLogTest, AFailedPullIsOneErrorWithEachSource) {
  configure(LogFormat::text);
  PullLog log("nginx:1.25", "");
  log.attempt_begins(kFirst);
  log.attempt_failed(Status{StatusCode::unknown, "unexpected EOF"});
  log.failed(Status{StatusCode::unknown, "cannot pull nginx:1.25: http://a.local: unexpected EOF"}, {});
  EXPECT_THAT(text(), MatchesRegex("[-0-9T:]{19} error cannot pull nginx:1.25: http://a.local: unexpected EOF "
                                   "duration=[0-9.]+m?s attempts=1\n"));
}

TEST_F(PullLogTest, AnImageThatNobodyHasIsAWarning) {
  configure(LogFormat::text);
  PullLog log("ngnix:1.25", "");
  log.failed(Status{StatusCode::not_found, "cannot pull ngnix:1.25: http://a.local: 404 Not Found"}, {});
  EXPECT_THAT(text(), HasSubstr(" warning cannot pull ngnix:1.25: "));
}

TEST_F(PullLogTest, APullWhoseEndIsNotToldWasCancelled) {
  configure(LogFormat::text);
  {
    PullLog log("nginx:1.25", "");
  }
  {
    PullLog log("redis:7", "");
    log.attempt_begins(kFirst);
  }
  EXPECT_THAT(text(), HasSubstr(" info pull of nginx:1.25 was cancelled before it was pulled from anywhere duration="));
  EXPECT_THAT(text(), HasSubstr(" info pull of redis:7 was cancelled while a.local/library/nginx:1.25 was pulled from "
                                "http://a.local duration="));
}

TEST_F(PullLogTest, AForwardedPullSaysWhy) {
  configure(LogFormat::text);
  {
    PullLog log("Not An Image\n", "");
    log.forwarded("it is not an image name", Reply::error(StatusCode::invalid_argument, "invalid reference"));
  }
  PullLog log("nginx", "");
  log.forwarded("no registry is configured", Reply::success(""));
  EXPECT_THAT(text(),
              HasSubstr(R"( error pull of "Not An Image\n" was forwarded as it is (it is not an image name) and )"
                        "failed: INVALID_ARGUMENT: invalid reference duration="));
  EXPECT_THAT(text(),
              HasSubstr(R"( info pull of "nginx" was forwarded as it is (no registry is configured) duration=)"));
}

TEST_F(PullLogTest, JsonHasAMemberForEachPart) {
  configure(LogFormat::json);
  PullLog log("nginx:1.25", "team");
  log.attempt_begins(kFirst);
  log.attempt_failed(Status{StatusCode::unknown, "unexpected EOF"});
  log.attempt_begins(kSecond);
  log.pulled({outcome_of(kFirst, Outcome::Kind::pull_failed, "unexpected EOF"),
              outcome_of(kSecond, Outcome::Kind::holds, "")});
  auto lines = objects();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["event"], "failover");
  EXPECT_EQ(lines[0]["next_registry"], kSecond.registry);

  auto& end = lines[1];
  EXPECT_THAT(end["message"].get<std::string>(), HasSubstr("priority match: image=nginx:1.25 action=PullImage "));
  EXPECT_TRUE(end["duration_seconds"].is_number());
  for (const char* varying : {"time", "message", "duration_seconds"}) end.erase(varying);
  EXPECT_EQ(end, nlohmann::json::parse(R"({"level": "info", "event": "pull", "outcome": "pulled", "image": "nginx:1.25",
      "namespace": "team", "registry": "http://b.local", "priority": 500, "result": "b.local/library/nginx:1.25",
      "attempts": 2, "bytes": null, "passed_over": ["http://a.local: unexpected EOF"]})"));
}

TEST_F(PullLogTest, JsonOfAFailureHasItsCodeAndEachSource) {
  configure(LogFormat::json);
  PullLog log("nginx:1.25", "");
  log.failed(Status{StatusCode::unknown, "cannot pull"}, {outcome_of(kFirst, Outcome::Kind::absent, "404 Not Found"),
                                                          outcome_of(kOriginal, Outcome::Kind::holds, "")});
  const auto line = objects().at(0);
  EXPECT_EQ(line["outcome"], "failed");
  EXPECT_EQ(line["code"], "UNKNOWN");
  EXPECT_THAT(line["tried"], ElementsAre("http://a.local: 404 Not Found", "docker.io: has it"));
  for (const char* unknown : {"namespace", "registry", "priority", "result"}) EXPECT_TRUE(line[unknown].is_null());
}

}  // namespace
}  // namespace shim::cri
