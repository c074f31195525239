#include "http/names.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <string>

#include "http/testing.h"

namespace shim::http {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::LookUpTable;
using Kind = Names::Miss::Kind;

class NamesTest : public ::testing::Test {
 protected:
  // A look-up under way.
  struct Asked {
    std::optional<Names::Found> found;
    asio::cancellation_signal cancel;
  };

  void ask(Asked& asked, const std::string& host, std::chrono::milliseconds patience = 10s) {
    asio::co_spawn(context_, names_.find(host, std::chrono::steady_clock::now() + patience),
                   asio::bind_cancellation_slot(asked.cancel.slot(), [&asked](std::exception_ptr, Names::Found found) {
                     asked.found = std::move(found);
                   }));
  }
  void run_until_found(Asked& asked) {
    while (!asked.found) context_.run_one();
  }
  std::string find(const std::string& host, std::chrono::milliseconds patience = 10s) {
    Asked asked;
    ask(asked, host, patience);
    run_until_found(asked);
    return text_of(*asked.found);
  }
  static std::string text_of(const Names::Found& found) {
    if (!found) return found.error().message;
    std::string text;
    for (const auto& address : *found) text += (text.empty() ? "" : " ") + address.to_string();
    return text;
  }

  std::chrono::steady_clock::time_point now_ = std::chrono::steady_clock::now();
  LookUpTable table_{{{"harbor.local", "10.0.0.5 fd00::5"}, {"gone.local", "!Name or service not known"}}};
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  Names names_{context_.get_executor(),
               {.look_up = table_.function(), .hosts_file = "/no/such/file", .now = [this] { return now_; }}};
};

TEST_F(NamesTest, HaveTheAddressesThatTheSystemGives) {
  EXPECT_EQ(find("harbor.local"), "10.0.0.5 fd00::5");
}

TEST_F(NamesTest, FailWithTheSystemsReason) {
  EXPECT_EQ(find("gone.local"), "Name or service not known");
}

TEST_F(NamesTest, AreAskedForOnceInAMinute) {
  find("harbor.local");
  now_ += 59s;
  find("harbor.local");
  EXPECT_EQ(table_.asked().size(), 1);
  now_ += 2s;
  table_.set("harbor.local", "10.0.0.6");
  EXPECT_EQ(find("harbor.local"), "10.0.0.6");
}

TEST_F(NamesTest, ThatFailedAreAskedForAgain) {
  find("gone.local");
  table_.set("gone.local", "10.0.0.7");
  EXPECT_EQ(find("gone.local"), "10.0.0.7");
}

TEST_F(NamesTest, KeptAreBounded) {
  table_.set("name0", "10.0.0.1");
  find("name0");
  for (std::size_t i = 1; i <= Names::kMaxKept; ++i) {
    now_ += 1ms;
    table_.set("name" + std::to_string(i), "10.0.0.1");
    find("name" + std::to_string(i));
  }
  const auto before = table_.asked().size();
  find("name" + std::to_string(Names::kMaxKept));
  EXPECT_EQ(table_.asked().size(), before);
  find("name0");
  EXPECT_EQ(table_.asked().size(), before + 1);
}

TEST_F(NamesTest, ThatAreAddressesAreNotLookedUp) {
  EXPECT_EQ(find("10.0.0.9"), "10.0.0.9");
  EXPECT_EQ(find("fd00::9"), "fd00::9");
  EXPECT_EQ(find("localhost"), "127.0.0.1 ::1");
  EXPECT_TRUE(table_.asked().empty());
}

TEST_F(NamesTest, ThatAreNoneAreNotLookedUp) {
  for (const char* host : {"a,b", "*", "a b", "", "x:1"}) EXPECT_EQ(find(host), "it is not a host name") << host;
  EXPECT_TRUE(table_.asked().empty());
}

TEST_F(NamesTest, ThatHangAreWaitedForUntilTheDeadline) {
  Asked asked;
  ask(asked, "hang.local", 20ms);
  run_until_found(asked);
  ASSERT_FALSE(*asked.found);
  EXPECT_EQ(asked.found->error().kind, Kind::timed_out);
}

TEST_F(NamesTest, AreLookedUpOnceForAllWhoAsk) {
  Asked first;
  Asked second;
  ask(first, "slow.local");
  ask(second, "slow.local");
  context_.poll();
  table_.release();
  run_until_found(first);
  run_until_found(second);
  EXPECT_EQ(text_of(*first.found), "Temporary failure in name resolution");
  EXPECT_EQ(text_of(*second.found), "Temporary failure in name resolution");
  EXPECT_EQ(table_.asked().size(), 1);
}

TEST_F(NamesTest, ACancelledWaiterLeavesTheLookUpToTheOthers) {
  Asked impatient;
  Asked patient;
  ask(impatient, "slow.local");
  ask(patient, "slow.local");
  context_.poll();
  impatient.cancel.emit(asio::cancellation_type::terminal);
  run_until_found(impatient);
  EXPECT_EQ(impatient.found->error().kind, Kind::cancelled);
  EXPECT_FALSE(patient.found);
  table_.release();
  run_until_found(patient);
  EXPECT_EQ(patient.found->error().kind, Kind::failed);
}

TEST_F(NamesTest, ThatWereKnownDoNotWaitForNewOnesThatHang) {
  find("harbor.local");
  now_ += 61s;
  std::vector<Asked> hanging(20);
  for (std::size_t i = 0; i < hanging.size(); ++i) ask(hanging[i], "dead" + std::to_string(i) + ".local");
  while (table_.hanging() < static_cast<int>(Names::kNewNameThreads)) context_.poll();
  EXPECT_EQ(find("harbor.local"), "10.0.0.5 fd00::5");
  EXPECT_EQ(table_.hanging(), Names::kNewNameThreads);
  names_.stop();
  for (Asked& asked : hanging) run_until_found(asked);
}

TEST_F(NamesTest, ThatKeepHangingHaveABoundedQueue) {
  std::vector<Asked> hanging(Names::kMaxLookUps);
  for (std::size_t i = 0; i < hanging.size(); ++i) ask(hanging[i], "dead" + std::to_string(i) + ".local");
  EXPECT_EQ(find("one-more.local"), "too many other names are being looked up");
  names_.stop();
  for (Asked& asked : hanging) run_until_found(asked);
}

TEST_F(NamesTest, EndWithTheirOwner) {
  Asked asked;
  ask(asked, "hang.local");
  context_.poll();
  names_.stop();
  run_until_found(asked);
  ASSERT_FALSE(*asked.found);
  EXPECT_EQ(asked.found->error().kind, Kind::cancelled);
}

}  // namespace
}  // namespace shim::http
