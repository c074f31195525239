#include "commands/live_configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "config/parse.h"

namespace shim::commands {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kPatience = 10s;  // of a test that would fail

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class ALiveConfiguration : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "ics-live.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    file_ = folder_ / "shim.yaml";
  }
  void TearDown() override {
    std::error_code busy;  // a worker may be writing the copy still
    fs::remove_all(folder_, busy);
    fs::remove_all(folder_, busy);
  }

  // The file's text with what every file here says: nothing is found by polling.
  std::string text(const std::string& keys) const {
    return keys + "image: " + (folder_ / "state").string() + "\nreloadInterval: 24h\n";
  }
  void write(const std::string& keys) const { std::ofstream(file_, std::ios::trunc) << text(keys); }

  void start(const std::string& keys = "timeout: 1m\n") {
    write(keys);
    InitialConfiguration initial;
    initial.file = file_;
    initial.text = text(keys);
    initial.config = config::parse(initial.text, file_.string(), config::process_environment()).config.value();
    config_ = std::make_shared<const config::Config>(initial.config);
    live_.emplace(
        io_.get_executor(), workers_, std::move(initial),
        [this](std::shared_ptr<const config::Config> next) {
          config_ = std::move(next);
          ++published_;
        },
        LiveConfiguration::Options{.settling = 20ms, .recheck = 1ms, .watch = {.quiet = 1ms}});
    live_->start();
    reload();
  }
  void run_until(const std::function<bool()>& condition) {
    io_.restart();
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!condition() && std::chrono::steady_clock::now() < end) io_.run_one_for(100ms);
    ASSERT_TRUE(condition());
  }
  void reload() {
    bool is_done = false;
    live_->reload([&] { is_done = true; });
    run_until([&] { return is_done; });
  }
  void see(const std::string& config_map) { live_->see(kubernetes::Present{config_map, "1"}); }
  void run_until_timeout_is(std::chrono::nanoseconds timeout) {
    run_until([&] { return config_->timeout == timeout; });
  }

  fs::path folder_, file_;
  boost::asio::io_context io_{1};
  WorkerPool workers_{2};
  std::shared_ptr<const config::Config> config_;  // published last
  int published_ = 0;
  std::optional<LiveConfiguration> live_;
};

TEST_F(ALiveConfiguration, PublishesNothingWhileNothingChanges) {
  start();
  reload();
  EXPECT_EQ(published_, 0);
  EXPECT_THAT(live_->problem(), IsEmpty());
}

TEST_F(ALiveConfiguration, PublishesWhatTheFileSaysWhenItChanges) {
  start();
  write("timeout: 2m\n");
  run_until_timeout_is(2min);
  EXPECT_EQ(published_, 1);
}

TEST_F(ALiveConfiguration, KeepsWhatIsInUseWhileTheFileIsBad) {
  start();
  write("timeout: soon\n");
  run_until([&] { return !live_->problem().empty(); });
  EXPECT_THAT(live_->problem(), HasSubstr("timeout"));
  EXPECT_EQ(published_, 0);

  write("timeout: 2m\n");
  run_until_timeout_is(2min);
  EXPECT_THAT(live_->problem(), IsEmpty());
}

TEST_F(ALiveConfiguration, EndsAReloadOfABadFile) {
  start();
  write("timeout: soon\n");
  reload();
  EXPECT_THAT(live_->problem(), HasSubstr("timeout"));
}

TEST_F(ALiveConfiguration, KeepsTheValuesThatNeedARestart) {
  start();
  const std::string shim = config_->shim;
  write("shim: /run/other.sock\ntimeout: 2m\n");
  run_until_timeout_is(2min);
  EXPECT_EQ(config_->shim, shim);
}

TEST_F(ALiveConfiguration, KeepsACopyOfWhatIsInUse) {
  start();
  const fs::path copy = folder_ / "state/last-good.yaml";
  run_until([&] { return read(copy) == text("timeout: 1m\n"); });
  write("timeout: 2m\n");
  run_until([&] { return read(copy) == text("timeout: 2m\n"); });
}

TEST_F(ALiveConfiguration, HasWhatAConfigMapSets) {
  start();
  see("timeout: 3m\n");
  run_until_timeout_is(3min);
}

TEST_F(ALiveConfiguration, WritesWhatAConfigMapSetsIntoTheFile) {
  start("# mine\ntimeout: 1m\n");
  see("timeout: 3m\n");
  run_until([&] { return read(file_) == text("# mine\ntimeout: 3m\n"); });
  reload();
  EXPECT_EQ(config_->timeout, 3min);
  EXPECT_EQ(published_, 1);
}

TEST_F(ALiveConfiguration, HasBothAnEditAndWhatAConfigMapSets) {
  start();
  see("timeout: 3m\n");
  run_until_timeout_is(3min);
  write("timeout: 1m\ndrainTimeout: 9s\n");
  run_until([&] { return config_->drain_timeout == 9s; });
  EXPECT_EQ(config_->timeout, 3min);
  run_until([&] { return read(file_) == text("timeout: 3m\ndrainTimeout: 9s\n"); });
}

TEST_F(ALiveConfiguration, LeavesTheFileAloneWhereAConfigMapChangesNothing) {
  start();
  const auto before = fs::last_write_time(file_);
  see("timeout: 60s\n");
  reload();
  EXPECT_EQ(fs::last_write_time(file_), before);
  EXPECT_EQ(published_, 0);
}

TEST_F(ALiveConfiguration, IgnoresAnInvalidConfigMap) {
  start();
  see("timeout: soon\n");
  reload();
  EXPECT_EQ(published_, 0);
  EXPECT_THAT(live_->problem(), IsEmpty());
}

TEST_F(ALiveConfiguration, StaysAsItIsWhenTheConfigMapIsDeleted) {
  start();
  see("timeout: 3m\n");
  run_until([&] { return read(file_) == text("timeout: 3m\n"); });
  live_->see(kubernetes::Absent{});
  reload();
  EXPECT_EQ(config_->timeout, 3min);
  write("timeout: 4m\n");
  run_until_timeout_is(4min);
}

TEST_F(ALiveConfiguration, LeavesAnEditThatTurnsTheConfigMapOff) {
  start();
  see("timeout: 3m\n");
  run_until([&] { return read(file_) == text("timeout: 3m\n"); });
  const std::string edited = "configMap: {enabled: false}\ntimeout: 4m\n";
  write(edited);
  run_until_timeout_is(4min);
  reload();
  EXPECT_EQ(read(file_), text(edited));
}

TEST_F(ALiveConfiguration, KeepsWhatWasSyncedWhenAKeyDisappears) {
  start();
  see("timeout: 3m\ndebug: true\n");
  run_until([&] { return config_->debug && read(file_).find("debug: true") != std::string::npos; });
  see("timeout: 4m\n");
  run_until_timeout_is(4min);
  EXPECT_TRUE(config_->debug);
}

TEST_F(ALiveConfiguration, HasWhatAConfigMapSetsOverTheLastGoodOneWhileTheFileIsBad) {
  start("timeout: 1m\ndrainTimeout: 9s\n");
  write("drainTimeout: soon\n");
  run_until([&] { return !live_->problem().empty(); });
  see("timeout: 3m\n");
  run_until_timeout_is(3min);
  EXPECT_EQ(config_->drain_timeout, 9s);
  EXPECT_EQ(read(file_), text("drainTimeout: soon\n"));
}

TEST_F(ALiveConfiguration, PublishesNothingAfterItsEnd) {
  start();
  write("timeout: 2m\n");
  live_->reload([] {});
  boost::asio::post(io_, [this] { live_.reset(); });  // as in the daemon: by its own thread
  io_.restart();
  io_.run_for(20ms);
  EXPECT_EQ(published_, 0);
}

}  // namespace
}  // namespace shim::commands
