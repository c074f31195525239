#include "config/inotify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace shim::config {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}

class WatchedFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "ics-inotify.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    folder_ = root_ / "etc";
    fs::create_directory(folder_);
    file_ = folder_ / "shim.yaml";
  }
  void TearDown() override { fs::remove_all(root_); }

  void watch() {
    auto places = inotify_.watch(file_, places_);
    ASSERT_TRUE(places) << places.error().message;
    places_ = std::move(*places);
  }
  FileNews news() { return read_news(inotify_.descriptor(), places_, {}); }
  bool has_changed() { return news().has_changed; }

  fs::path root_, folder_, file_;
  Inotify inotify_ = Inotify::open().value();
  std::vector<Inotify::Place> places_;
};

TEST_F(WatchedFile, IsQuietWhileNothingHappens) {
  write(file_, "a");
  watch();
  EXPECT_FALSE(has_changed());
}

TEST_F(WatchedFile, IsQuietWhileItIsRead) {
  write(file_, "a");
  watch();
  std::string text;
  std::ifstream(file_) >> text;
  EXPECT_FALSE(has_changed());
}

TEST_F(WatchedFile, IsQuietAboutItsNeighbours) {
  write(file_, "a");
  watch();
  write(folder_ / "other.yaml", "b");
  fs::remove(folder_ / "other.yaml");
  EXPECT_FALSE(has_changed());
}

TEST_F(WatchedFile, IsSeenWrittenInPlace) {
  write(file_, "a");
  watch();
  write(file_, "b");
  EXPECT_TRUE(has_changed());
}

TEST_F(WatchedFile, IsUnfinishedUntilItsWriterClosesIt) {
  write(file_, "a");
  watch();
  std::ofstream writer(file_, std::ios::trunc);
  writer << "b" << std::flush;
  const FileNews before = news();
  writer.close();
  const FileNews after = read_news(inotify_.descriptor(), places_, before);
  EXPECT_TRUE(before.is_being_written);
  EXPECT_FALSE(after.is_being_written);
}

TEST_F(WatchedFile, IsSeenReplacedByRename) {
  write(file_, "a");
  write(folder_ / ".shim.yaml.swp", "b");
  watch();
  fs::rename(folder_ / ".shim.yaml.swp", file_);
  EXPECT_TRUE(has_changed());
}

TEST_F(WatchedFile, IsSeenMovedAwayAndWrittenAnew) {
  write(file_, "a");
  watch();
  fs::rename(file_, folder_ / "shim.yaml~");
  EXPECT_TRUE(has_changed());
  write(file_, "b");
  EXPECT_TRUE(has_changed());
}

TEST_F(WatchedFile, IsSeenMadeAndDeleted) {
  watch();
  write(file_, "a");
  EXPECT_TRUE(has_changed());
  fs::remove(file_);
  EXPECT_TRUE(has_changed());
}

TEST_F(WatchedFile, IsSeenGivenAnotherMode) {
  write(file_, "a");
  watch();
  fs::permissions(file_, fs::perms::owner_read);
  EXPECT_TRUE(has_changed());
}

TEST_F(WatchedFile, IsSeenSwappedAsKubernetesDoesIt) {
  fs::create_directory(folder_ / "..first");
  write(folder_ / "..first/shim.yaml", "a");
  fs::create_directory_symlink("..first", folder_ / "..data");
  fs::create_symlink("..data/shim.yaml", file_);
  watch();

  fs::create_directory(folder_ / "..second");
  write(folder_ / "..second/shim.yaml", "b");
  EXPECT_FALSE(has_changed());
  fs::create_directory_symlink("..second", folder_ / "..data_tmp");
  fs::rename(folder_ / "..data_tmp", folder_ / "..data");

  EXPECT_TRUE(has_changed());
  watch();
  write(folder_ / "..second/shim.yaml", "c");
  EXPECT_TRUE(has_changed());
}

TEST_F(WatchedFile, IsSeenWrittenWhereItsLinkLeads) {
  const fs::path elsewhere = root_ / "elsewhere";
  fs::create_directory(elsewhere);
  write(elsewhere / "real.yaml", "a");
  fs::create_symlink(elsewhere / "real.yaml", file_);
  watch();
  write(elsewhere / "real.yaml", "b");
  EXPECT_TRUE(has_changed());
}

TEST_F(WatchedFile, IsSeenWhenTheFolderOfItsNameAppears) {
  fs::remove(folder_);
  watch();
  fs::create_directory(folder_);
  EXPECT_TRUE(has_changed());
  watch();
  write(file_, "a");
  EXPECT_TRUE(has_changed());
}

TEST_F(WatchedFile, IsSeenWhenItsFolderIsReplaced) {
  write(file_, "a");
  watch();
  fs::rename(folder_, root_ / "old");
  EXPECT_TRUE(has_changed());
  fs::create_directory(folder_);
  watch();
  write(file_, "b");
  EXPECT_TRUE(has_changed());
}

TEST_F(WatchedFile, MayBeALinkThatLeadsInACircle) {
  fs::create_symlink("shim.yaml", file_);
  watch();
  fs::remove(file_);
  EXPECT_TRUE(has_changed());
}

TEST_F(WatchedFile, IsSeenAfterTheKernelLostEvents) {
  write(file_, "a");
  watch();
  std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
  int most = 0;
  limit >> most;
  if (most == 0 || most > 100'000) GTEST_SKIP() << "the queue is " << most << " events long";
  for (int i = 0; i <= most / 2; ++i) {
    fs::create_directory(folder_ / "other");
    fs::remove(folder_ / "other");
  }
  EXPECT_TRUE(has_changed());
}

TEST_F(WatchedFile, NamesTheFolderThatMayNotBeRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read every folder";
  fs::permissions(folder_, fs::perms::owner_exec);
  const auto places = inotify_.watch(file_, {});
  ASSERT_FALSE(places);
  EXPECT_THAT(places.error().message, HasSubstr(folder_.string()));
}

}  // namespace
}  // namespace shim::config
