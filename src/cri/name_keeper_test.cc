#include "cri/name_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cri/testing.h"

namespace shim::cri {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using cri::testing::reference;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kPatience = 10s;  // of a test that would fail
constexpr auto kNoRetry = NameKeeper::Options{.first_retry = std::chrono::hours(1), .last_retry = {}};

// A disk that fails when it is told to and, while it hangs, answers nothing.
class TestDisk {
 public:
  StoredNames read() {
    std::unique_lock lock(mutex_);
    wait(lock);
    return stored_;
  }
  Expected<void> write(const std::vector<RememberedName>& names) {
    std::unique_lock lock(mutex_);
    ++begun_;
    wait(lock);
    if (!failure_.empty()) return fail(failure_);
    std::vector<std::string> originals;
    for (const RememberedName& name : names) originals.push_back(name.reference.original());
    written_.push_back(std::move(originals));
    return {};
  }

  void hang(bool is_hanging) {
    const std::lock_guard lock(mutex_);
    is_hanging_ = is_hanging;
    changed_.notify_all();
  }
  void fail_with(const std::string& failure) {
    const std::lock_guard lock(mutex_);
    failure_ = failure;
  }
  void store(StoredNames stored) {
    const std::lock_guard lock(mutex_);
    stored_ = std::move(stored);
  }
  int begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }
  std::vector<std::vector<std::string>> written() const {
    const std::lock_guard lock(mutex_);
    return written_;
  }

 private:
  void wait(std::unique_lock<std::mutex>& lock) {
    changed_.wait(lock, [&] { return !is_hanging_; });
  }

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  bool is_hanging_ = false;
  int begun_ = 0;
  std::string failure_;
  StoredNames stored_;
  std::vector<std::vector<std::string>> written_;
};

class NameKeeperTest : public ::testing::Test {
 protected:
  ~NameKeeperTest() override {
    keeper_.reset();
    disk_->hang(false);
  }

  void keep(NameKeeper::Options options = kNoRetry) {
    const NameKeeper::Disk disk{.read = [disk = disk_] { return disk->read(); },
                                .write = [disk = disk_](const auto& names) { return disk->write(names); }};
    keeper_.emplace(io_.get_executor(), names_, disk, options);
  }
  void keep_and_load() {
    keep();
    run(keeper_->loaded(kPatience));
  }
  void run(asio::awaitable<void> work) {
    bool is_done = false;
    asio::co_spawn(io_, std::move(work), [&](const std::exception_ptr& thrown) {
      EXPECT_FALSE(thrown);
      is_done = true;
    });
    run_until([&] { return is_done; });
  }
  void flush() { run(keeper_->flush(kPatience)); }
  template <class Condition>
  void run_until(Condition holds) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!holds() && std::chrono::steady_clock::now() < end) io_.run_one_for(1ms);
    ASSERT_TRUE(holds());
  }
  void remember(const std::string& original) { names_->remember(reference(original), "hub.local/" + original); }

  std::shared_ptr<TestDisk> disk_ = std::make_shared<TestDisk>();  // shared with a thread that may hang in it
  asio::io_context io_{1};
  std::shared_ptr<NameStore> names_ = std::make_shared<NameStore>();
  std::optional<NameKeeper> keeper_;
};

TEST_F(NameKeeperTest, ReadsWhatIsThere) {
  disk_->store({.names = {{reference("nginx:1"), "hub.local/nginx:1", {}}}});
  keep_and_load();
  EXPECT_EQ(names_->pulled_name(reference("nginx:1")), "hub.local/nginx:1");
  flush();
  EXPECT_THAT(disk_->written(), IsEmpty()) << "nothing has changed";
}

TEST_F(NameKeeperTest, WritesEachChangeWithoutBeingAsked) {
  keep_and_load();
  remember("a:1");
  run_until([&] { return disk_->written().size() == 1; });
  remember("b:1");
  run_until([&] { return disk_->written().size() == 2; });
  names_->forget(reference("a:1"));
  run_until([&] { return disk_->written().size() == 3; });
  EXPECT_THAT(disk_->written(), ElementsAre(ElementsAre("a:1"), ElementsAre("a:1", "b:1"), ElementsAre("b:1")));
}

TEST_F(NameKeeperTest, GathersWhatChangesDuringAWriteForTheNext) {
  keep_and_load();
  disk_->hang(true);
  remember("a:1");
  run_until([&] { return disk_->begun() == 1; });
  for (const char* name : {"b:1", "c:1", "d:1"}) remember(name);
  disk_->hang(false);

  flush();

  EXPECT_THAT(disk_->written(), ElementsAre(ElementsAre("a:1"), ElementsAre("a:1", "b:1", "c:1", "d:1")));
}

TEST_F(NameKeeperTest, TriesAgainWithTheNextChange) {
  keep_and_load();
  disk_->fail_with("cannot write names.json: No space left on device");
  remember("a:1");
  run_until([&] { return disk_->begun() == 1; });
  disk_->fail_with("");
  remember("b:1");
  run_until([&] { return !disk_->written().empty(); });
  EXPECT_THAT(disk_->written(), ElementsAre(ElementsAre("a:1", "b:1")));
}

TEST_F(NameKeeperTest, TriesAgainAfterAWhileWithoutAChange) {
  keep({.first_retry = 1ms, .last_retry = 2ms});
  disk_->fail_with("cannot write names.json: No space left on device");
  remember("a:1");
  run_until([&] { return disk_->begun() >= 4; });
  disk_->fail_with("");
  run_until([&] { return !disk_->written().empty(); });
  flush();
  EXPECT_THAT(disk_->written(), ElementsAre(ElementsAre("a:1")));
}

TEST_F(NameKeeperTest, DoesNotTryAgainBeforeThat) {
  keep_and_load();
  disk_->fail_with("cannot write names.json: Read-only file system");
  remember("a:1");
  flush();
  const int begun = disk_->begun();
  io_.run_for(5ms);
  EXPECT_EQ(disk_->begun(), begun);
}

TEST_F(NameKeeperTest, FlushTriesOnceMoreAndGivesUp) {
  keep_and_load();
  disk_->fail_with("cannot write names.json: Read-only file system");
  remember("a:1");
  flush();
  const int begun = disk_->begun();
  flush();
  EXPECT_EQ(disk_->begun(), begun + 1);
  disk_->fail_with("");
  flush();
  EXPECT_THAT(disk_->written(), ElementsAre(ElementsAre("a:1")));
}

TEST_F(NameKeeperTest, AHangingDiskIsNotWaitedFor) {
  keep_and_load();
  disk_->hang(true);
  remember("a:1");
  run(keeper_->flush(5ms));
  EXPECT_THAT(disk_->written(), IsEmpty());
  EXPECT_TRUE(names_->knows(reference("a:1")));

  disk_->hang(false);
  run_until([&] { return !disk_->written().empty(); });
}

TEST_F(NameKeeperTest, AHangingDiskDoesNotHoldUpTheStart) {
  disk_->store({.names = {{reference("old:1"), "hub.local/old:1", {}}}});
  disk_->hang(true);
  keep();
  run(keeper_->loaded(5ms));
  remember("new:1");
  EXPECT_EQ(disk_->begun(), 0) << "what has not been read is not replaced";

  disk_->hang(false);
  run_until([&] { return !disk_->written().empty(); });

  EXPECT_THAT(disk_->written(), ElementsAre(ElementsAre("old:1", "new:1")));
}

TEST_F(NameKeeperTest, MayGoWhileTheDiskHangs) {
  keep_and_load();
  disk_->hang(true);
  remember("a:1");
  run_until([&] { return disk_->begun() == 1; });
  keeper_.reset();
  remember("b:1");
  disk_->hang(false);
  io_.run();
  EXPECT_EQ(disk_->begun(), 1);
}

}  // namespace
}  // namespace shim::cri
