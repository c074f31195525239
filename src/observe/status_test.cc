#include "observe/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "observe/status_testing.h"

namespace shim::observe {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Registry = Status::Registry;
using State = Status::Registry::State;

registry::Entry entry_at(const std::string& address, int priority, bool is_offline = false) {
  registry::Entry entry{.address = image::Address::parse(address).value()};
  entry.priority = priority;
  entry.is_offline = is_offline;
  return entry;
}

// ── Registries ───────────────────────────────────────────────────────────────────────────────────────────────────────

const std::chrono::steady_clock::time_point kNow{1h};

Registry registry_with(const registry::RegistryStatistics& counts) {
  return registries_of({entry_at("https://one.local:5000", 700)}, {.cache = {}, .registries = {counts}, .original = {}},
                       kNow)
      .at(0);
}

TEST(Registries, StandInTheOrderInWhichTheyAreAsked) {
  const auto registries =
      registries_of({entry_at("https://low.local", 100), entry_at("https://first.local", 500),
                     entry_at("https://second.local", 500), entry_at("https://off.local", 500, true)},
                    {.cache = {}, .registries = std::vector<registry::RegistryStatistics>(4), .original = {}}, kNow);
  EXPECT_THAT(
      registries,
      ElementsAre(Field(&Registry::address, "https://off.local"), Field(&Registry::address, "https://first.local"),
                  Field(&Registry::address, "https://second.local"), Field(&Registry::address, "https://low.local")));
}

TEST(ARegistry, IsNotAskedBeforeItsFirstProbe) {
  const Registry registry = registry_with({});
  EXPECT_EQ(registry.state, State::not_asked);
  EXPECT_EQ(registry.address, "https://one.local:5000");
  EXPECT_EQ(registry.host, "one.local:5000");
  EXPECT_EQ(registry.priority, 700);
}

TEST(ARegistry, IsWellOnceItHasAnsweredAndKeepsItsLastFailure) {
  const Registry registry =
      registry_with({.registry = {}, .probes = {1}, .last_failure = "503", .failed_at = Status::Time(5s)});
  EXPECT_EQ(registry.state, State::well);
  EXPECT_EQ(registry.reason, "");
  EXPECT_EQ(registry.last_failure, "503");
  EXPECT_EQ(registry.failed_at, Status::Time(5s));
}

TEST(ARegistry, FailsWhereItRefusesUsOrHasFailedTooRarelyToBeLeftOut) {
  EXPECT_EQ(registry_with({.registry = {}, .last_failure = "401", .is_failing = true}).state, State::failing);
  EXPECT_EQ(registry_with({.registry = {}, .last_failure = "401", .is_failing = true}).reason, "401");
  EXPECT_EQ(registry_with({.registry = {}, .last_failure = "503", .breaker = {.failures = 1}}).state, State::failing);
}

TEST(ARegistry, IsLeftOutWhileItsBreakerIsOpen) {
  const Registry registry = registry_with(
      {.registry = {},
       .breaker = {.is_open = true, .reason = "refused", .since = kNow - 12s, .next_check = kNow + 1500ms}});
  EXPECT_EQ(registry.state, State::left_out);
  EXPECT_EQ(registry.reason, "refused");
  EXPECT_EQ(registry.open_for, 12s);
  EXPECT_EQ(registry.next_check, 1500ms);
}

// ── The ConfigMap ────────────────────────────────────────────────────────────────────────────────────────────────────

TEST(TheConfigMap, IsDisabledWhereNothingWatchesIt) {
  EXPECT_EQ(config_map_of("a/b", std::nullopt, "").state, Status::ConfigMap::State::disabled);
}

TEST(TheConfigMap, IsUnknownWhileTheServerCannotBeAsked) {
  const auto map = config_map_of(
      "a/b", kubernetes::WatchStatus{.phase = kubernetes::WatchStatus::Phase::pausing, .server = "s", .reason = "403"},
      "");
  EXPECT_EQ(map.state, Status::ConfigMap::State::unknown);
  EXPECT_EQ(map.reason, "403");
  EXPECT_EQ(map.last_seen, std::nullopt);
}

// ── What should be looked at ─────────────────────────────────────────────────────────────────────────────────────────

TEST(Concerns, AreNoneWhereAllIsWell) {
  EXPECT_THAT(concerns_of(status_where_all_is_well()), IsEmpty());
}

TEST(Concerns, SayWhatFailedFirstAndWhatToDo) {
  Status status = status_where_all_is_well();
  status.registries[0].state = State::left_out;
  status.registries[0].reason = "connection refused";
  status.runtime.problem = "/run/x.sock: no such file";
  const auto concerns = concerns_of(status);
  ASSERT_EQ(concerns.size(), 2U);
  EXPECT_EQ(concerns[0].kind, Concern::Kind::failed);
  EXPECT_THAT(concerns[0].what, HasSubstr("/run/x.sock: no such file"));
  EXPECT_THAT(concerns[0].advice, HasSubstr("`cri`"));
  EXPECT_EQ(concerns[1].kind, Concern::Kind::degraded);
  EXPECT_THAT(concerns[1].what, AllOf(HasSubstr(status.registries[0].address), HasSubstr("connection refused")));
}

TEST(Concerns, NameAnAirGapWithoutARegistry) {
  Status status = status_where_all_is_well();
  for (Registry& registry : status.registries) registry.state = State::left_out;
  EXPECT_EQ(concerns_of(status)[0].kind, Concern::Kind::degraded) << "the images' own registries are left";
  status.original.is_denied = true;
  EXPECT_EQ(concerns_of(status)[0].kind, Concern::Kind::failed);
  EXPECT_THAT(concerns_of(status)[0].what, HasSubstr("fallback: deny"));
}

TEST(Concerns, NameAConfigurationThatIsNotInUse) {
  Status status = status_where_all_is_well();
  status.configuration.problem = "/f.yaml:1: debug: expected true or false";
  status.configuration.config_map.problem = "timeout: expected a duration";
  const auto concerns = concerns_of(status);
  ASSERT_EQ(concerns.size(), 2U);
  EXPECT_THAT(concerns[0].what, HasSubstr("/f.yaml:1"));
  EXPECT_THAT(concerns[1].what, HasSubstr("timeout: expected"));
}

TEST(Concerns, AreNoneWhereNoClusterIsKnown) {
  Status status = status_where_all_is_well();
  status.configuration.config_map.state = Status::ConfigMap::State::unknown;
  status.configuration.config_map.server = "";
  EXPECT_THAT(concerns_of(status), IsEmpty());
  status.configuration.config_map.server = "https://10.0.0.1:6443";
  EXPECT_EQ(concerns_of(status).size(), 1U);
}

}  // namespace
}  // namespace shim::observe
