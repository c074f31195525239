#include "kubernetes/api_object.h"

#include <gtest/gtest.h>

#include <string>

#include "kubernetes/testing.h"

namespace shim::kubernetes {
namespace {

using testing::bookmark_json;
using testing::config_map_json;
using testing::event_json;
using testing::status_json;

const ConfigMapKey kWanted{.name_space = "kube-system", .name = "image-cri-shim", .key = "registries.yaml"};

std::string error_of(const std::string& text) {
  const auto config_map = parse_config_map(text, kWanted);
  return config_map ? "no error" : config_map.error().message;
}
std::string event_error_of(const std::string& frame) {
  const auto event = parse_event(frame, kWanted);
  return event ? "no error" : event.error().message;
}

TEST(ConfigMapObject, HasTheTextOfTheKeyAndItsVersion) {
  const auto config_map = parse_config_map(config_map_json("42", "version: v1\n"), kWanted);
  ASSERT_TRUE(config_map);
  EXPECT_EQ(config_map->text, "version: v1\n");
  EXPECT_EQ(config_map->resource_version, "42");
}

TEST(ConfigMapObject, MayLackTheKey) {
  EXPECT_EQ(parse_config_map(config_map_json("42", std::nullopt), kWanted)->text, std::nullopt);
  ConfigMapKey other = kWanted;
  other.key = "config.yaml";
  EXPECT_EQ(parse_config_map(config_map_json("42", "x"), other)->text, std::nullopt);
}

TEST(ConfigMapObject, IsNotJustAnything) {
  EXPECT_EQ(error_of("<html>"), "no JSON (at byte 1)");
  EXPECT_EQ(error_of("{}"), "no object of Kubernetes");
  EXPECT_EQ(error_of("[]"), "no object of Kubernetes");
  EXPECT_EQ(error_of(R"({"kind":7})"), "no object of Kubernetes");
  EXPECT_EQ(error_of(R"({"kind":"Secret"})"), "a Secret instead of a ConfigMap");
  EXPECT_EQ(error_of(R"({"kind":"\u001b[31m"})"), "a \\x1b[31m instead of a ConfigMap");
  EXPECT_EQ(error_of(config_map_json("1", "x", "other")),
            "the ConfigMap kube-system/other instead of kube-system/image-cri-shim");
  EXPECT_EQ(error_of(config_map_json("1", "x", "image-cri-shim", "default")),
            "the ConfigMap default/image-cri-shim instead of kube-system/image-cri-shim");
  EXPECT_EQ(error_of(config_map_json("", "x")), "a ConfigMap without metadata.resourceVersion");
}

TEST(ConfigMapObject, HasATextAndNoOtherValue) {
  for (const char* value : {"7", "true", "{}", "[]"}) {
    const std::string text = R"({"kind":"ConfigMap","metadata":{"name":"image-cri-shim","namespace":"kube-system",)"
                             R"("resourceVersion":"1"},"data":{"registries.yaml":)" +
                             std::string(value) + "}}";
    EXPECT_EQ(error_of(text), "a ConfigMap whose data[\"registries.yaml\"] is no text") << value;
  }
}

TEST(WatchEvent, TellsWhatIsThere) {
  for (const char* type : {"ADDED", "MODIFIED"}) {
    const auto event = parse_event(event_json(type, config_map_json("7", "x")), kWanted);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, Event::Kind::present);
    EXPECT_EQ(event->config_map.text, "x");
    EXPECT_EQ(event->config_map.resource_version, "7");
  }
}

TEST(WatchEvent, TellsWhatIsGone) {
  const auto event = parse_event(event_json("DELETED", config_map_json("7", "x")), kWanted);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Event::Kind::deleted);
  EXPECT_EQ(event->config_map.text, std::nullopt);
  EXPECT_EQ(event->config_map.resource_version, "7");
}

TEST(WatchEvent, TellsAVersionAlone) {
  const auto event = parse_event(bookmark_json("9"), kWanted);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Event::Kind::bookmark);
  EXPECT_EQ(event->config_map.resource_version, "9");
}

TEST(WatchEvent, TellsAnError) {
  const auto event = parse_event(event_json("ERROR", status_json(410, "Expired", "too old")), kWanted);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Event::Kind::error);
  EXPECT_EQ(event->status.code, 410);
  EXPECT_EQ(event->status.reason, "Expired");
}

TEST(WatchEvent, IsNotJustAnything) {
  EXPECT_EQ(event_error_of("{}"), "no event of a watch");
  EXPECT_EQ(event_error_of(R"({"type":"RENAMED"})"), "an event of type \"RENAMED\"");
  EXPECT_EQ(event_error_of(R"({"type":"ADDED"})"), "no object of Kubernetes");
  EXPECT_EQ(event_error_of(config_map_json("7", "x")), "no event of a watch");
  EXPECT_EQ(event_error_of(event_json("ADDED", config_map_json("7", "x", "other"))),
            "the ConfigMap kube-system/other instead of kube-system/image-cri-shim");
  EXPECT_EQ(event_error_of(event_json("BOOKMARK", "{}")), "a bookmark without metadata.resourceVersion");
  EXPECT_EQ(event_error_of(event_json("ERROR", config_map_json("7", "x"))), "a ConfigMap instead of a Status");
}

TEST(StatusObject, NamesTheUserThatTheServerTookUsFor) {
  const auto status = parse_status(
      status_json(403, "Forbidden", R"(configmaps "x" is forbidden: User "system:node:w1" cannot get resource)"));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->user, "system:node:w1");
  EXPECT_EQ(parse_status(status_json(403, "Forbidden", "no"))->user, "");
}

TEST(StatusObject, IsPrintableAndShort) {
  const auto status = parse_status(status_json(500, "Odd", std::string(5000, 'x')));
  ASSERT_TRUE(status);
  EXPECT_LE(status->message.size(), 512);
  const auto odd = parse_status(R"({"kind":"Status","message":"a\nb\u001b[0m","code":99999})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->message, "a\\nb\\x1b[0m");
  EXPECT_EQ(odd->code, 999);
}

TEST(StatusObject, SaysWhenToAskAgain) {
  EXPECT_EQ(parse_status(R"({"kind":"Status","details":{"retryAfterSeconds":3}})")->retry_after,
            std::chrono::seconds(3));
  EXPECT_EQ(parse_status(R"({"kind":"Status","details":{"retryAfterSeconds":-3}})")->retry_after, std::nullopt);
}

}  // namespace
}  // namespace shim::kubernetes
