#include "config/file_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace shim::config {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto kPatience = 10s;  // of a test that would fail

class FileWatching : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "ics-file-watch.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    file_ = folder_ / "shim.yaml";
  }
  void TearDown() override { fs::remove_all(folder_); }

  void start(FileWatch::Options options = {}) {
    watch_.emplace(
        io_.get_executor(), workers_, file_.string(),
        FileWatch::Listener{[this] { ++changes_; }, [this](const std::string& why) { blind_.push_back(why); }},
        options);
  }
  void run_until(const std::function<bool()>& condition) {
    io_.restart();
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!condition() && std::chrono::steady_clock::now() < end) io_.run_one_for(100ms);
    ASSERT_TRUE(condition());
  }
  void run_until_changes(int count) {
    run_until([&] { return changes_ >= count; });
  }
  void write(const std::string& text) const { std::ofstream(file_, std::ios::trunc) << text; }

  fs::path folder_, file_;
  boost::asio::io_context io_{1};
  WorkerPool workers_{1};
  int changes_ = 0;
  std::vector<std::string> blind_;
  std::optional<FileWatch> watch_;
};

TEST_F(FileWatching, TellsWhenItBegins) {
  start();
  run_until_changes(1);
}

TEST_F(FileWatching, TellsOfAChange) {
  start();
  run_until_changes(1);
  write("a");
  run_until_changes(2);
}

TEST_F(FileWatching, TellsOfABurstOnce) {
  start({.quiet = 50ms});
  run_until_changes(1);
  for (int i = 0; i < 20; ++i) write("a");
  run_until_changes(2);
  write("b");
  run_until_changes(3);
  EXPECT_EQ(changes_, 3);
}

TEST_F(FileWatching, TellsOfABurstWithoutEndAfterAWhile) {
  start({.quiet = 1h, .longest = 0ms});
  run_until_changes(1);
  write("a");
  run_until_changes(2);
}

TEST_F(FileWatching, WaitsForAWriterToClose) {
  write("a");
  start({.quiet = 1ms, .unfinished = 1h, .longest = 2h});
  run_until_changes(1);
  std::ofstream writer(file_, std::ios::trunc);
  writer << "b" << std::flush;
  io_.restart();
  io_.run_for(30ms);
  EXPECT_EQ(changes_, 1);
  writer.close();
  run_until_changes(2);
}

TEST_F(FileWatching, GoesOnWithAFolderThatWasMadeAnew) {
  start();
  run_until_changes(1);
  fs::remove_all(folder_);
  run_until_changes(2);
  fs::create_directory(folder_);
  run_until_changes(3);
  write("a");
  run_until_changes(4);
}

// No file can be opened while there is one.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

#ifdef __has_feature
constexpr bool kNeedsDescriptors = __has_feature(address_sanitizer);
#else
constexpr bool kNeedsDescriptors = false;
#endif

TEST_F(FileWatching, SaysOnceThatTheKernelGivesNoWatchAndTriesAgain) {
  if (kNeedsDescriptors) GTEST_SKIP() << "the sanitizer looks at objects through a pipe; other builds run this";
  const boost::asio::posix::stream_descriptor opens_the_reactor(io_);
  {
    const NoDescriptors none;
    start();
    run_until_changes(1);
    watch_->renew();
    io_.run_for(10ms);
  }
  ASSERT_THAT(blind_, SizeIs(1));
  EXPECT_THAT(blind_[0], HasSubstr("inotify"));

  watch_->renew();
  io_.run_for(50ms);
  write("a");
  run_until_changes(2);
}

TEST_F(FileWatching, TellsNothingAfterItsEnd) {
  start();
  run_until_changes(1);
  watch_.reset();
  write("a");
  io_.restart();
  io_.run_for(30ms);
  EXPECT_EQ(changes_, 1);
}

}  // namespace
}  // namespace shim::config
