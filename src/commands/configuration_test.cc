#include "commands/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace shim::commands {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

config::Registry registry_at(const std::string& address, std::optional<int> priority = {}) {
  config::Registry registry{
      .address = image::Address::parse(address).value(), .auth = {}, .priority = priority, .routing = {}};
  return registry;
}

TEST(RegistryEntries, AreInFileOrderWithTheOfflineOneLast) {
  config::Config config;
  config.offline = registry_at("http://sealos.hub:5000");
  config.registries = {registry_at("https://b.local", 10), registry_at("https://a.local", 900)};

  const auto entries = registry_entries(config);

  ASSERT_THAT(entries, SizeIs(3));
  EXPECT_EQ(entries[0].address.host(), "b.local");
  EXPECT_EQ(entries[1].address.host(), "a.local");
  EXPECT_EQ(entries[2].address.host(), "sealos.hub:5000");
  EXPECT_FALSE(entries[1].is_offline);
  EXPECT_TRUE(entries[2].is_offline);
}

TEST(RegistryEntries, HaveTheirPriorityOrTheDefaultOfTheirKind) {
  config::Config config;
  config.registries = {registry_at("https://a.local"), registry_at("https://b.local", 7)};
  config.offline = registry_at("http://sealos.hub:5000");
  const auto entries = registry_entries(config);
  EXPECT_EQ(entries[0].priority, 500);
  EXPECT_EQ(entries[1].priority, 7);
  EXPECT_EQ(entries[2].priority, 1000);

  config.offline->priority = 3;
  EXPECT_EQ(registry_entries(config)[2].priority, 3);
}

TEST(RegistryEntries, AreNoneWhereNothingIsConfigured) {
  EXPECT_THAT(registry_entries({}), IsEmpty());
}

TEST(RegistryEntries, CarryCredentialsRulesAndTls) {
  config::Config config;
  config.registries = {registry_at("https://docker.io"), registry_at("https://a.local")};
  config::Registry& own = config.registries[1];
  own.auth = config::Auth{.username = "robot", .password = Secret("pw"), .password_file = "", .identity_token = {}};
  own.routing.match = {image::Pattern::parse("ghcr.io").value()};
  own.routing.digest_fallback = config::DigestFallback::tag;
  own.routing.tls.ca = "/etc/ca.pem";

  const auto entries = registry_entries(config);

  const auto hub_image = image::Reference::parse("nginx").value();
  const auto other_image = image::Reference::parse("ghcr.io/org/app").value();
  EXPECT_TRUE(entries[0].rule.matches(hub_image, "")) << "a public registry has its own images";
  EXPECT_FALSE(entries[0].rule.matches(other_image, ""));
  EXPECT_FALSE(entries[1].rule.matches(hub_image, ""));
  EXPECT_TRUE(entries[1].rule.matches(other_image, ""));
  EXPECT_EQ(entries[1].credential->username, "robot");
  EXPECT_EQ(entries[1].credential->password.reveal(), "pw");
  EXPECT_EQ(entries[1].digest_fallback, registry::DigestFallback::tag);
  EXPECT_EQ(entries[1].tls.ca, "/etc/ca.pem");
}

TEST(ResolverOptions, AreTheConfigurations) {
  config::Config config;
  EXPECT_EQ(resolver_options(config).fallback, registry::Fallback::upstream);
  config.fallback = config::Fallback::deny;
  config.probe.timeout = 1500ms;
  config.probe.hedge_delay = 70ms;
  config.probe.failure_threshold = 5;
  config.probe.recovery_interval = 9s;
  config.cache.image_cache_size = 12;
  config.cache.image_cache_ttl = 7min;
  config.cache.not_found_ttl = 4s;
  config.cache.domain_cache_ttl = 3min;

  const auto options = resolver_options(config);

  EXPECT_EQ(options.fallback, registry::Fallback::deny);
  EXPECT_EQ(options.probe_timeout, 1500ms);
  EXPECT_EQ(options.hedge_delay, 70ms);
  EXPECT_EQ(options.breaker.failure_threshold, 5);
  EXPECT_EQ(options.breaker.recovery_interval, 9s);
  EXPECT_EQ(options.cache.capacity, 12U);
  EXPECT_EQ(options.cache.holds_ttl, 7min);
  EXPECT_EQ(options.cache.absent_ttl, 4s);
  EXPECT_EQ(options.max_token_age, 3min);
}

TEST(ResolvingAlike, IsWhatEntriesAndProbesDecide) {
  config::Config config;
  config.registries = {registry_at("https://a.local")};
  const auto with = [&](const auto& change) {
    config::Config other = config;
    change(other);
    return resolve_alike(config, other);
  };
  EXPECT_TRUE(with([](config::Config& other) { other.timeout = 1min; }));
  EXPECT_TRUE(with([](config::Config& other) { other.debug = true; }));
  EXPECT_TRUE(with([](config::Config& other) { other.cache.stats_log_interval = 1h; }));
  EXPECT_TRUE(with([](config::Config& other) { other.cache.disable_stats = true; }));
  EXPECT_FALSE(with([](config::Config& other) { other.cache.image_cache_ttl = 1h; }));
  EXPECT_FALSE(with([](config::Config& other) { other.registries[0].priority = 7; }));
  EXPECT_FALSE(with([](config::Config& other) { other.offline = registry_at("http://hub.local"); }));
  EXPECT_FALSE(with([](config::Config& other) { other.fallback = config::Fallback::deny; }));
  EXPECT_FALSE(with([](config::Config& other) { other.probe.timeout = 1s; }));
  EXPECT_FALSE(with([](config::Config& other) { other.credentials.docker_config = {"/etc/docker.json"}; }));
}

class Loading : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "ics-configuration.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    file_ = folder_ / "shim.yaml";
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_;
  std::string file_;
};

TEST_F(Loading, GivesTheConfigurationOfTheFile) {
  std::ofstream(file_) << "address: http://sealos.hub:5000\nofflinePriority: 77\n";
  const LoadedConfiguration loaded = load_configuration(file_);
  EXPECT_EQ(loaded.file, file_);
  EXPECT_THAT(loaded.text, HasSubstr("offlinePriority: 77"));
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(registry_entries(*loaded.config).at(0).priority, 77);
}

TEST_F(Loading, GivesEveryErrorOfAnInvalidFile) {
  std::ofstream(file_) << "timeout: soon\nfallback: never\n";
  const LoadedConfiguration loaded = load_configuration(file_);
  EXPECT_FALSE(loaded.config);
  EXPECT_THAT(loaded.diagnostics, SizeIs(2));
}

TEST_F(Loading, NamesAFileThatIsMissing) {
  const LoadedConfiguration loaded = load_configuration(file_);
  EXPECT_FALSE(loaded.config);
  ASSERT_THAT(loaded.diagnostics, SizeIs(1));
  EXPECT_THAT(to_string(loaded.diagnostics[0]), HasSubstr(file_));
}

}  // namespace
}  // namespace shim::commands
