#include "commands/admin_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace shim::commands {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

boost::asio::awaitable<observe::Answer> echo(observe::Request request) {
  observe::Answer answer{200, "text/plain", request.parameter("word").value_or("")};
  co_return answer;
}

boost::asio::awaitable<observe::Answer> refuse(observe::Request) {
  co_return observe::error_answer(400, "makes no \x1b sense");
}

class AnAdminSocket : public testing::Test {
 protected:
  AnAdminSocket() {
    std::string name = fs::temp_directory_path() / "ics-admin.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "run" / "admin.sock";
  }
  ~AnAdminSocket() override { fs::remove_all(folder_); }

  Expected<std::unique_ptr<AdminSocket>> open() {
    observe::Router router;
    router.add("/echo", echo);
    router.add("/refuse", refuse);
    return AdminSocket::open(io_, path_, std::move(router), 1s);
  }
  std::expected<std::string, AdminFailure> ask(const std::string& target, std::chrono::milliseconds timeout = 10s) {
    std::optional<std::expected<std::string, AdminFailure>> answer;
    boost::asio::co_spawn(io_, ask_admin(io_, http_, path_, target, timeout),
                          [&](std::exception_ptr, std::expected<std::string, AdminFailure> said) {
                            answer = std::move(said);
                            io_.stop();
                          });
    io_.restart();
    io_.run();
    return *answer;
  }
  AdminFailure failure_of(const std::string& target, std::chrono::milliseconds timeout = 10s) {
    const auto answer = ask(target, timeout);
    EXPECT_FALSE(answer);
    return answer ? AdminFailure{} : answer.error();
  }
  mode_t mode_of(const std::string& path) {
    struct stat status{};
    ::lstat(path.c_str(), &status);
    return status.st_mode & 07777;
  }

  boost::asio::io_context io_{1};
  http::Client http_{io_.get_executor()};
  fs::path folder_;
  std::string path_;
};

TEST_F(AnAdminSocket, IsForItsOwnerAloneInAFolderThatIsMade) {
  const auto admin = open();
  ASSERT_TRUE(admin) << admin.error().message;
  EXPECT_EQ(mode_of(path_), 0600U);
  EXPECT_EQ(mode_of(folder_ / "run") & ~0755U, 0U);
}

TEST_F(AnAdminSocket, AnswersWhoAsks) {
  const auto admin = open();
  const auto answer = ask("/echo?word=a%20b");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(*answer, "a b");
}

TEST_F(AnAdminSocket, GoesWithItsObject) {
  open()->reset();
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(AnAdminSocket, InUseIsAnErrorThatLeavesTheOther) {
  const auto first = open();
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("in use"));
  EXPECT_TRUE(ask("/echo"));
}

TEST_F(AnAdminSocket, InAFolderThatCannotBeMadeIsAnError) {
  std::ofstream(folder_ / "run") << "a file";
  const auto admin = open();
  ASSERT_FALSE(admin);
  EXPECT_THAT(admin.error().message, HasSubstr(path_));
}

TEST_F(AnAdminSocket, ThatIsNotThereIsNoShimRunning) {
  EXPECT_EQ(failure_of("/echo").kind, AdminFailure::Kind::not_running);
  std::ofstream(folder_ / "run") << "a file";
  EXPECT_EQ(failure_of("/echo").kind, AdminFailure::Kind::not_running);
}

TEST_F(AnAdminSocket, ThatIsStaleIsNoShimRunningAndIsReplaced) {
  {
    const auto crashed = open();
    fs::rename(path_, path_ + ".kept");
  }
  fs::rename(path_ + ".kept", path_);
  EXPECT_EQ(failure_of("/echo").kind, AdminFailure::Kind::not_running);

  const auto admin = open();

  ASSERT_TRUE(admin) << admin.error().message;
  EXPECT_TRUE(ask("/echo"));
}

TEST_F(AnAdminSocket, OfAnotherUserIsForbidden) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may connect everywhere";
  const auto admin = open();
  ::chmod(path_.c_str(), 0);
  const AdminFailure failure = failure_of("/echo");
  EXPECT_EQ(failure.kind, AdminFailure::Kind::forbidden);
  EXPECT_THAT(failure.message, HasSubstr("root"));
}

TEST_F(AnAdminSocket, SaysWhatMakesNoSense) {
  const auto admin = open();
  const AdminFailure failure = failure_of("/refuse");
  EXPECT_EQ(failure.kind, AdminFailure::Kind::refused);
  EXPECT_EQ(failure.message, "makes no \\x1b sense");
}

TEST_F(AnAdminSocket, OfAShimWithoutThatPathIsNoAnswer) {
  const auto admin = open();
  EXPECT_EQ(failure_of("/none").kind, AdminFailure::Kind::no_answer);
}

TEST_F(AnAdminSocket, OfAShimThatHangsIsNoAnswer) {
  fs::create_directory(folder_ / "run");
  const auto silent = http2::UnixListener::bind(io_, path_, {0600, ::geteuid(), ::getegid()});
  ASSERT_TRUE(silent);
  const AdminFailure failure = failure_of("/echo", 20ms);
  EXPECT_EQ(failure.kind, AdminFailure::Kind::no_answer);
  EXPECT_THAT(failure.message, HasSubstr(path_));
}

}  // namespace
}  // namespace shim::commands
