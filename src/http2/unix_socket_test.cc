#include "http2/unix_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace shim::http2 {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class UnixSockets : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "ics-socket.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = folder_ / "shim.sock";
  }
  void TearDown() override { fs::remove_all(folder_); }

  static SocketAccess ours(mode_t mode = 0600) { return {mode, ::geteuid(), ::getegid()}; }
  Expected<UnixListener> bind(const std::string& path) { return UnixListener::bind(context_, path, ours()); }
  // A listening socket of the given type and backlog that is nobody's in particular.
  int plain_listener(int type, int backlog) const {
    const int descriptor = ::socket(AF_UNIX, type, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    EXPECT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    if (type != SOCK_DGRAM) {
      EXPECT_EQ(::listen(descriptor, backlog), 0);
    }
    return descriptor;
  }
  static mode_t mode_of(const std::string& path) {
    struct stat status{};
    ::lstat(path.c_str(), &status);
    return status.st_mode & 07777;
  }

  boost::asio::io_context context_{1};
  fs::path folder_;
  std::string path_;
};

TEST_F(UnixSockets, AListenerTakesConnections) {
  const auto listener = bind(path_);
  ASSERT_TRUE(listener) << listener.error().message;
  EXPECT_TRUE(connect_unix(context_, path_));
}

TEST_F(UnixSockets, AListenerHasTheAccessAskedFor) {
  auto listener = UnixListener::bind(context_, path_, ours(0660));
  ASSERT_TRUE(listener) << listener.error().message;
  EXPECT_EQ(mode_of(path_), 0660U);

  listener->set_access(ours(0600));

  EXPECT_EQ(mode_of(path_), 0600U);
}

// The umask belongs to the whole process: a folder that another thread made during a bind once lost its search bit.
TEST_F(UnixSockets, ListeningChangesNothingOfWhatOtherThreadsMake) {
  const fs::path beside = folder_ / "beside";
  mode_t worst = 0700;
  std::jthread maker([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      ::mkdir(beside.c_str(), 0700);
      worst &= mode_of(beside);
      ::rmdir(beside.c_str());
    }
  });

  for (int i = 0; i < 300; ++i) ASSERT_TRUE(bind(path_));
  maker.request_stop();
  maker.join();

  EXPECT_EQ(worst, 0700U);
}

TEST_F(UnixSockets, AListenerIsAtNoTimeOpenToOthers) {
  const mode_t mask = ::umask(0);
  const std::string temporary = path_ + "." + std::to_string(::getpid());
  mode_t seen = 0;
  std::jthread watcher([&](const std::stop_token& stop) {
    struct stat status{};
    while (!stop.stop_requested()) {
      if (::lstat(temporary.c_str(), &status) == 0) seen |= status.st_mode & 07777U;
    }
  });

  for (int i = 0; i < 300; ++i) ASSERT_TRUE(bind(path_));
  watcher.request_stop();
  watcher.join();
  ::umask(mask);

  EXPECT_EQ(seen & 0077U, 0U);
}

TEST_F(UnixSockets, AListenerLeavesNoOtherFile) {
  const auto listener = bind(path_);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(UnixSockets, AStaleSocketIsReplaced) {
  ::close(plain_listener(SOCK_STREAM, 1));
  ASSERT_TRUE(fs::is_socket(path_));

  const auto listener = bind(path_);

  ASSERT_TRUE(listener) << listener.error().message;
  EXPECT_TRUE(connect_unix(context_, path_));
}

TEST_F(UnixSockets, ALiveSocketIsAnErrorThatNamesItsHolder) {
  const auto first = bind(path_);

  const auto second = bind(path_);

  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr(path_));
  EXPECT_THAT(second.error().message, HasSubstr("(pid " + std::to_string(::getpid()) + ")"));
  EXPECT_TRUE(connect_unix(context_, path_)) << "the first goes on";
}

TEST_F(UnixSockets, ALiveSocketWithAFullBacklogIsAnError) {
  const int listener = plain_listener(SOCK_STREAM, 0);
  const auto waiting = connect_unix(context_, path_);
  ASSERT_TRUE(waiting);

  EXPECT_FALSE(bind(path_));
  ::close(listener);
}

TEST_F(UnixSockets, ALiveSocketOfAnotherTypeIsAnError) {
  const int listener = plain_listener(SOCK_DGRAM, 0);
  const auto bound = bind(path_);
  ASSERT_FALSE(bound);
  EXPECT_THAT(bound.error().message, HasSubstr("in use"));
  ::close(listener);
}

TEST_F(UnixSockets, AFileThatIsNoSocketIsRefusedAndKept) {
  std::ofstream(path_) << "precious";

  const auto listener = bind(path_);

  ASSERT_FALSE(listener);
  EXPECT_THAT(listener.error().message, HasSubstr("not a socket"));
  EXPECT_EQ(fs::file_size(path_), 8U);
}

TEST_F(UnixSockets, AMissingFolderIsAnErrorThatNamesThePath) {
  const std::string path = folder_ / "none" / "shim.sock";
  const auto listener = bind(path);
  ASSERT_FALSE(listener);
  EXPECT_THAT(listener.error().message, HasSubstr(path));
}

TEST_F(UnixSockets, APathThatNoSocketCanHaveIsAnError) {
  const std::string path = folder_ / std::string(200, 'x');
  EXPECT_FALSE(bind(path));
  const auto socket = connect_unix(context_, path);
  ASSERT_FALSE(socket);
  EXPECT_THAT(socket.error().reason, HasSubstr("too long"));
}

TEST_F(UnixSockets, TheFileGoesWithItsListener) {
  {
    const auto listener = bind(path_);
    ASSERT_TRUE(fs::exists(path_));
  }
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(UnixSockets, AFileThatAnotherHasPutThereIsKept) {
  {
    const auto listener = bind(path_);
    fs::remove(path_);
    ::close(plain_listener(SOCK_STREAM, 1));
  }
  EXPECT_TRUE(fs::exists(path_));
}

TEST_F(UnixSockets, AMovedListenerKeepsItsFile) {
  auto first = bind(path_);
  ASSERT_TRUE(first);
  {
    UnixListener second = std::move(*first);
    first->close();
    EXPECT_TRUE(fs::exists(path_));
  }
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(UnixSockets, AListenerKnowsItselfThroughLinks) {
  const auto listener = bind(path_);
  const std::string link = folder_ / "link.sock";
  fs::create_symlink(path_, link);
  EXPECT_TRUE(listener->is_at(path_));
  EXPECT_TRUE(listener->is_at(link));
  EXPECT_FALSE(listener->is_at(folder_ / "other.sock"));
}

TEST_F(UnixSockets, AnAdoptedSocketIsLeftToWhoMadeIt) {
  {
    auto listener = UnixListener::adopt(context_, plain_listener(SOCK_STREAM, 8));
    ASSERT_TRUE(listener) << listener.error().message;
    EXPECT_TRUE(connect_unix(context_, path_));
  }
  EXPECT_TRUE(fs::exists(path_));
}

TEST_F(UnixSockets, WhatIsNoSocketCannotBeAdopted) {
  EXPECT_FALSE(UnixListener::adopt(context_, -1));
}

TEST_F(UnixSockets, ConnectingWhereNothingIsSaysWhy) {
  const auto missing = connect_unix(context_, path_);
  ASSERT_FALSE(missing);
  EXPECT_FALSE(missing.error().is_busy);
  EXPECT_THAT(missing.error().reason, HasSubstr("No such file"));
  EXPECT_EQ(missing.error().number, ENOENT);

  ::close(plain_listener(SOCK_STREAM, 1));
  const auto stale = connect_unix(context_, path_);
  ASSERT_FALSE(stale);
  EXPECT_FALSE(stale.error().is_busy);
  EXPECT_THAT(stale.error().reason, HasSubstr("refused"));
  EXPECT_EQ(stale.error().number, ECONNREFUSED);
}

TEST_F(UnixSockets, AFullBacklogIsBusyAndNotConnected) {
  const int listener = plain_listener(SOCK_STREAM, 0);
  std::vector<UnixSocket> waiting;
  auto socket = connect_unix(context_, path_);
  for (int i = 0; i < 8 && socket; ++i) {
    waiting.push_back(std::move(*socket));
    socket = connect_unix(context_, path_);
  }
  ASSERT_FALSE(socket);
  EXPECT_TRUE(socket.error().is_busy);
  ::close(listener);
}

TEST_F(UnixSockets, AccessIsTakenFromASocketOnly) {
  const int listener = plain_listener(SOCK_STREAM, 1);
  ::chmod(path_.c_str(), 0660);
  EXPECT_EQ(access_of(path_).mode, 0660U);
  ::close(listener);

  const std::string file = folder_ / "file";
  std::ofstream(file) << "x";
  ::chmod(file.c_str(), 0666);
  EXPECT_EQ(access_of(file).mode, 0600U);
  EXPECT_EQ(access_of(folder_ / "none").mode, 0600U);
}

}  // namespace
}  // namespace shim::http2
