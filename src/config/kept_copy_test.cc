#include "config/kept_copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "config/testing.h"

namespace shim::config {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kUsual = "/var/lib/image-cri-shim";

std::vector<std::string> directories(std::string_view text) {
  return state_directories(text, testing::environment_of({{"STATE", "/srv/state"}}));
}

TEST(StateDirectories, AreTheOneOfTheFileAndTheUsualOne) {
  EXPECT_THAT(directories("image: /srv/shim\n"), ElementsAre("/srv/shim", kUsual));
  EXPECT_THAT(directories("image: /srv/shim\ntimeout: never\n"), ElementsAre("/srv/shim", kUsual));
  EXPECT_THAT(directories("image: ${STATE}\n"), ElementsAre("/srv/state", kUsual));
  EXPECT_THAT(directories(R"({"image": "/srv/shim"})"), ElementsAre("/srv/shim", kUsual));
}

TEST(StateDirectories, AreOnlyTheUsualOneWhereTheFileNamesNone) {
  EXPECT_THAT(directories(""), ElementsAre(kUsual));
  EXPECT_THAT(directories("timeout: 1m\n"), ElementsAre(kUsual));
  EXPECT_THAT(directories("image: relative/path\n"), ElementsAre(kUsual));
  EXPECT_THAT(directories("image: [a]\n"), ElementsAre(kUsual));
  EXPECT_THAT(directories("image: " + kUsual + "\n"), ElementsAre(kUsual));
}

TEST(StateDirectories, AreFoundInAFileThatIsNoYamlAnyMore) {
  EXPECT_THAT(directories("a: [\nimage: /srv/shim  # state\n"), ElementsAre("/srv/shim", kUsual));
  EXPECT_THAT(directories("a: [\nimage: \"/srv/shim\"\r\n"), ElementsAre("/srv/shim", kUsual));
  EXPECT_THAT(directories("{\"a\": \n \"image\": \"/srv/shim\",\n"), ElementsAre("/srv/shim", kUsual));
  EXPECT_THAT(directories("a: [\nimage\nimage:\nimages: /srv\n"), ElementsAre(kUsual));
}

class AKeptCopy : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "ics-kept.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    folder_ = root_ + "/lib/state";
  }
  void TearDown() override { fs::remove_all(root_); }

  Expected<KeptCopy> find() const { return find_kept_copy({root_ + "/none", folder_}, testing::environment_of({})); }

  std::string root_, folder_;
};

TEST_F(AKeptCopy, IsFound) {
  ASSERT_TRUE(keep_copy(folder_, "timeout: 7m\n"));
  const auto copy = find();
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->text, "timeout: 7m\n");
  EXPECT_EQ(copy->config.timeout, std::chrono::minutes(7));
}

TEST_F(AKeptCopy, IsForRootAlone) {
  ASSERT_TRUE(keep_copy(folder_, "auth: admin:secret\n"));
  struct stat file{}, folder{};
  ASSERT_EQ(::stat((folder_ + "/last-good.yaml").c_str(), &file), 0);
  ASSERT_EQ(::stat(folder_.c_str(), &folder), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0600U);
  EXPECT_EQ(folder.st_mode & 0777U, 0700U);
}

TEST_F(AKeptCopy, IsReplacedByTheNext) {
  ASSERT_TRUE(keep_copy(folder_, "timeout: 7m\n"));
  ASSERT_TRUE(keep_copy(folder_, "timeout: 8m\n"));
  EXPECT_EQ(find()->text, "timeout: 8m\n");
}

TEST_F(AKeptCopy, IsNotWrittenAgainWhereItIsTheSame) {
  ASSERT_TRUE(keep_copy(folder_, "timeout: 7m\n"));
  struct stat before{}, after{};
  ::stat((folder_ + "/last-good.yaml").c_str(), &before);
  ASSERT_TRUE(keep_copy(folder_, "timeout: 7m\n"));
  ::stat((folder_ + "/last-good.yaml").c_str(), &after);
  EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(AKeptCopy, IsNotUsedWhereItIsNotValid) {
  fs::create_directories(folder_);
  std::ofstream(folder_ + "/last-good.yaml") << "timeout: soon\n";
  const auto copy = find();
  ASSERT_FALSE(copy);
  EXPECT_THAT(copy.error().message, HasSubstr(folder_ + "/last-good.yaml:1: timeout"));
}

TEST_F(AKeptCopy, IsMissedByTheNamesOfItsPlaces) {
  const auto copy = find();
  ASSERT_FALSE(copy);
  EXPECT_THAT(copy.error().message, HasSubstr(root_ + "/none/last-good.yaml"));
  EXPECT_THAT(copy.error().message, HasSubstr(folder_ + "/last-good.yaml"));
}

}  // namespace
}  // namespace shim::config
