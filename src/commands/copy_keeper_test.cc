#include "commands/copy_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace shim::commands {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr auto kPatience = 10s;  // of a test that would fail

class ACopyKeeper : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "ics-copy.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    state_ = folder_ / "state";
  }
  void TearDown() override {
    std::error_code busy;  // a worker may be writing still
    fs::remove_all(folder_, busy);
  }

  void make(std::optional<std::string> there = std::nullopt) {
    keeper_.emplace(io_.get_executor(), workers_, std::move(there),
                    [this](const std::string& why) { told_.push_back(why); });
  }
  void run_until(const std::function<bool()>& condition) {
    io_.restart();
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!condition() && std::chrono::steady_clock::now() < end) io_.run_one_for(100ms);
    ASSERT_TRUE(condition());
  }
  std::string copy() const {
    std::ifstream file(state_ / "last-good.yaml");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path folder_, state_;
  boost::asio::io_context io_{1};
  WorkerPool workers_{2};
  std::vector<std::string> told_;
  std::optional<CopyKeeper> keeper_;
};

TEST_F(ACopyKeeper, WritesTheText) {
  make();
  keeper_->keep(state_, "debug: true\n");
  run_until([&] { return !told_.empty(); });
  EXPECT_EQ(copy(), "debug: true\n");
  EXPECT_THAT(told_, Each(IsEmpty()));
}

TEST_F(ACopyKeeper, WritesTheNewestText) {
  make();
  for (const char* text : {"timeout: 1m\n", "timeout: 2m\n", "timeout: 3m\n"}) keeper_->keep(state_, text);
  run_until([&] { return copy() == "timeout: 3m\n"; });
}

TEST_F(ACopyKeeper, LeavesACopyAloneThatIsThere) {
  make("debug: true\n");
  keeper_->keep(state_, "debug: true\n");
  io_.restart();
  io_.run();  // until nothing is left to do
  EXPECT_FALSE(fs::exists(state_));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(ACopyKeeper, SaysWhyItCannotAndTriesAgainWithTheNextText) {
  make();
  std::ofstream(state_) << "a file where the folder should be";
  keeper_->keep(state_, "timeout: 1m\n");
  run_until([&] { return !told_.empty(); });
  EXPECT_THAT(told_, Each(AllOf(Not(IsEmpty()), ::testing::HasSubstr(state_.string()))));

  fs::remove(state_);
  keeper_->keep(state_, "timeout: 2m\n");
  run_until([&] { return copy() == "timeout: 2m\n"; });
  run_until([&] { return told_.back().empty(); });
}

TEST_F(ACopyKeeper, EndsWhileAWriteIsUnderWay) {
  make();
  keeper_->keep(state_, "debug: true\n");
  io_.run_one_for(100ms);
  keeper_.reset();
  io_.restart();
  io_.run_for(kPatience);  // ends as soon as nothing is left to do
  EXPECT_THAT(told_, IsEmpty());
}

}  // namespace
}  // namespace shim::commands
