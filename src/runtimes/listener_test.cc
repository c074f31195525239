#include "runtimes/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "runtimes/testing.h"

namespace shim::runtimes {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CommandLineBehind, IsThatOfTheProcessThatListens) {
  const testing::Folder folder;
  const std::string path = folder.path("s");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int listening = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listening, 1), 0);
  const auto words = command_line_behind(path);
  ::close(listening);
  ASSERT_FALSE(words.empty());
  EXPECT_THAT(words[0], HasSubstr("runtimes_test"));
}

TEST(CommandLineBehind, IsEmptyWhereNobodyListens) {
  EXPECT_THAT(command_line_behind("/nowhere.sock"), IsEmpty());
  EXPECT_THAT(command_line_behind(std::string(4096, 'x')), IsEmpty());
}

TEST(ConfigOption, IsReadInEachSpelling) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(config_option(Words{"containerd", "--config", "/a"}), "/a");
  EXPECT_EQ(config_option(Words{"containerd", "-l", "debug", "--config=/a"}), "/a");
  EXPECT_EQ(config_option(Words{"containerd", "-c", "/a"}), "/a");
  EXPECT_EQ(config_option(Words{"containerd", "-c=/a"}), "/a");
}

TEST(ConfigOption, IsNothingWhereNoneIsGiven) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(config_option(Words{}), std::nullopt);
  EXPECT_EQ(config_option(Words{"/sbin/init"}), std::nullopt);
  EXPECT_EQ(config_option(Words{"containerd", "--config"}), std::nullopt);
  EXPECT_EQ(config_option(Words{"containerd", "--config-dir", "/a"}), std::nullopt);
}

}  // namespace
}  // namespace shim::runtimes
