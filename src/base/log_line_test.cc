#include "base/log_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace shim {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::SizeIs;
using testing::StartsWith;

constexpr LogStyle kText{.format = LogFormat::text};
constexpr LogStyle kJson{.format = LogFormat::json};
const std::string kHostile = "image \n2022-12-11T02:18:47 error forged\r\x1b[2K\",\"level\":\"error\" 镜像 \xff";

// 2022-12-11T02:18:47.123Z
LogLine line_of(std::string_view message, std::string_view fields = {},
                spdlog::level::level_enum level = spdlog::level::info) {
  return {.time = std::chrono::system_clock::time_point(1670725127123ms),
          .level = level,
          .message = message,
          .fields = fields};
}

nlohmann::json parsed(std::string_view message, const LogFields& fields = {}) {
  const std::string line = format_line(kJson, line_of(message, fields.json()));
  EXPECT_THAT(line, EndsWith("}\n"));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  return nlohmann::json::parse(line);
}

TEST(LogLine, TextHasTimeLevelAndMessage) {
  EXPECT_EQ(format_line(kText, line_of("shim-socket: /run/x")), "2022-12-11T02:18:47 info shim-socket: /run/x\n");
}

TEST(LogLine, JsonHasTheSameInThisOrder) {
  EXPECT_EQ(format_line(kJson, line_of("shim-socket: /run/x")),
            "{\"time\":\"2022-12-11T02:18:47.123Z\",\"level\":\"info\",\"message\":\"shim-socket: /run/x\"}\n");
}

TEST(LogLine, FieldsAreMembersOfJsonAndNotInText) {
  LogFields fields;
  const std::vector<std::string> sources = {"http://a: 404 Not Found", "docker.io: left out"};
  fields.text("image", "nginx:1.25").number("attempts", 2).seconds("duration_seconds", 1204ms).null("bytes");
  fields.list("passed_over", sources).list("none", {});

  EXPECT_EQ(fields.json(), R"(,"image":"nginx:1.25","attempts":2,"duration_seconds":1.204,"bytes":null,)"
                           R"("passed_over":["http://a: 404 Not Found","docker.io: left out"],"none":[])");
  EXPECT_EQ(parsed("m", fields)["attempts"], 2);
  EXPECT_EQ(format_line(kText, line_of("m", fields.json())), "2022-12-11T02:18:47 info m\n");
}

TEST(LogLine, JournaldIsToldThePriority) {
  struct Case {
    spdlog::level::level_enum level;
    const char* begin;
  };
  const std::vector<Case> cases = {{spdlog::level::err, "<3>2022-12-11T02:18:47 error m"},
                                   {spdlog::level::warn, "<4>2022-12-11T02:18:47 warning m"},
                                   {spdlog::level::info, "<6>2022-12-11T02:18:47 info m"},
                                   {spdlog::level::debug, "<7>2022-12-11T02:18:47 debug m"}};
  for (const auto& [level, begin] : cases) {
    const LogLine line = line_of("m", {}, level);
    EXPECT_THAT(format_line({.format = LogFormat::text, .has_priorities = true}, line), StartsWith(begin));
    EXPECT_THAT(format_line({.format = LogFormat::json, .has_priorities = true}, line),
                StartsWith(std::string(begin, 3) + "{\"time\""));
  }
}

TEST(LogLine, HostileTextForgesNoLineAndNoMember) {
  EXPECT_EQ(format_line(kText, line_of(kHostile)),
            "2022-12-11T02:18:47 info image \\n2022-12-11T02:18:47 error forged\\r\\x1b[2K\",\"level\":\"error\" "
            "镜像 \\xff\n");

  LogFields fields;
  fields.text("image", kHostile).list("sources", std::vector<std::string>{kHostile});
  const nlohmann::json line = parsed(kHostile, fields);
  EXPECT_EQ(line["level"], "info");
  EXPECT_THAT(line, SizeIs(5));
  for (const auto& text : {line["message"], line["image"], line["sources"][0]}) {
    EXPECT_EQ(text, kHostile.substr(0, kHostile.size() - 1) + "\uFFFD");
  }
}

TEST(LogLine, ALongMessageIsCut) {
  EXPECT_THAT(format_line(kText, line_of(std::string(1 << 20, 'x'))), SizeIs(testing::Lt(kMaxLogMessage + 40)));
  EXPECT_EQ(parsed(std::string(1 << 20, '\x01'))["message"], std::string(kMaxLogMessage, '\x01'));
}

TEST(LogLine, IsNeverLongerThanWhatJournaldTakesAsOne) {
  const std::string worst(1 << 20, '\x01');
  LogFields fields;
  for (int i = 0; i < 100; ++i) fields.text("a", worst).number("n", i);
  fields.list("l", std::vector<std::string>(100, "é" + std::string(2000, 'x')));

  EXPECT_LE(format_line({.format = LogFormat::json, .has_priorities = true}, line_of(worst, fields.json())).size(),
            kMaxLogLine);
  parsed(worst, fields);
}

TEST(LogLine, AFieldCutInsideACharacterIsStillJson) {
  LogFields fields;
  fields.text("image", "x" + std::string(2000, '\xc3'));
  std::string characters;
  for (int i = 0; i < 1000; ++i) characters += "é";
  fields.text("name", "x" + characters);
  parsed("m", fields);
}

}  // namespace
}  // namespace shim
