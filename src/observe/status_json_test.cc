#include "observe/status_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "observe/status_testing.h"

namespace shim::observe {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

TEST(AStatusAsJson, IsReadBackWhole) {
  Status status = status_where_all_is_well();
  status.registries.push_back(status.registries[0]);
  status.registries[1].state = Status::Registry::State::left_out;
  status.registries[1].reason = "connection refused";
  status.registries[1].open_for = 12s;
  status.registries[1].next_check = 3s;
  status.registries[1].latency = std::nullopt;
  status.runtime.problem = "no answer";
  status.configuration.problem = "bad";
  const auto again = status_from_json(to_json(status));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, status);
}

TEST(AStatusAsJson, HasTheDocumentedFields) {
  const json status = json::parse(to_json(status_where_all_is_well()));
  EXPECT_EQ(status["time"], "2027-01-15T08:00:00Z");
  EXPECT_EQ(status["concerns"], json::array());
  EXPECT_EQ(status["shim"]["uptimeMs"], 3 * 3600 * 1000);
  EXPECT_EQ(status["runtime"]["reachable"], true);
  EXPECT_EQ(status["registries"][0]["state"], "well");
  EXPECT_EQ(status["registries"][0]["latencyUs"], 840);
  EXPECT_EQ(status["decisions"][0]["source"], "http://sealos.hub:5000");
  EXPECT_FALSE(status["decisions"][1].contains("source"));
  EXPECT_EQ(status["configuration"]["configMap"]["state"], "following");
}

TEST(AStatusAsJson, IsAsciiWhateverARegistrySays) {
  Status status = status_where_all_is_well();
  status.registries[0].last_failure = "\x1b[31m \xff \xe2\x80\xae";
  for (const char octet : to_json(status)) EXPECT_TRUE(octet == '\n' || (octet >= ' ' && octet < 127));
}

TEST(AStatus, IsNotReadFromWhatIsNone) {
  for (const std::string text : {"", "[]", "{}", R"({"shim":{}})", R"({"shim":1})"}) {
    EXPECT_FALSE(status_from_json(text)) << text;
  }
  json status = json::parse(to_json(status_where_all_is_well()));
  status["registries"][0]["state"] = "splendid";
  const auto refused = status_from_json(status.dump());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "registries[0].state: expected one of well, failing …");
}

}  // namespace
}  // namespace shim::observe
