#include "cri/name_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "cri/testing.h"

namespace shim::cri {
namespace {

namespace fs = std::filesystem;
using cri::testing::reference;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class NameFile : public ::testing::Test {
 protected:
  NameFile() {
    std::string name = fs::temp_directory_path() / "ics-names.XXXXXX";
    top_ = ::mkdtemp(name.data());
  }
  ~NameFile() override { fs::remove_all(top_); }

  std::string folder() const { return top_ / "var/lib/state"; }
  std::string path() const { return folder() + "/names.json"; }
  void put(const std::string& content) const {
    fs::create_directories(folder());
    std::ofstream(path()) << content;
  }
  static mode_t mode_of(const std::string& path) {
    struct stat attributes{};
    EXPECT_EQ(::stat(path.c_str(), &attributes), 0) << path;
    return attributes.st_mode & 07777;
  }
  static std::vector<RememberedName> names(int count, const std::string& pulled = "hub.local/a:1") {
    std::vector<RememberedName> list;
    for (int i = 0; i < count; ++i) list.push_back({reference("a:" + std::to_string(i)), pulled, {}});
    return list;
  }

  fs::path top_;
};

TEST_F(NameFile, IsReadAsItWasWritten) {
  ASSERT_TRUE(write_names(folder(), names(3)));
  const StoredNames stored = read_names(folder());
  EXPECT_THAT(stored.warnings, IsEmpty());
  ASSERT_THAT(stored.names, SizeIs(3));
  EXPECT_EQ(stored.names[2].reference.original(), "a:2");
}

TEST_F(NameFile, AndItsFolderAreTheOwnersAlone) {
  EXPECT_THAT(read_names(folder()).warnings, IsEmpty());
  EXPECT_EQ(mode_of(folder()), 0700U);
  ASSERT_TRUE(write_names(folder(), names(1)));
  EXPECT_EQ(mode_of(path()), 0600U);
}

TEST_F(NameFile, IsEmptyWhereThereIsNone) {
  const StoredNames stored = read_names(folder());
  EXPECT_THAT(stored.names, IsEmpty());
  EXPECT_THAT(stored.warnings, IsEmpty());
  EXPECT_TRUE(stored.is_writable);
}

TEST_F(NameFile, IsKeptAsideWhereItCannotBeUsed) {
  for (const std::string content : {"", "{\"version\": 1, \"names\": [", "{\"version\": 99, \"names\": []}", "\xff"}) {
    put(content);
    const StoredNames stored = read_names(folder());
    EXPECT_THAT(stored.names, IsEmpty());
    EXPECT_THAT(stored.warnings, ElementsAre(AllOf(HasSubstr(path()), HasSubstr("names.json.unreadable"))));
    EXPECT_TRUE(stored.is_writable);
    EXPECT_FALSE(fs::exists(path()));
    EXPECT_EQ(read_file(path() + ".unreadable", 100).value(), content);
  }
}

TEST_F(NameFile, IsKeptAsideWhereItIsEndless) {
  put("");
  fs::resize_file(path(), 1ULL << 40);
  EXPECT_THAT(read_names(folder()).warnings, ElementsAre(HasSubstr("larger")));
  EXPECT_TRUE(fs::exists(path() + ".unreadable"));
}

TEST_F(NameFile, IsKeptAsideWhereItIsNoFile) {
  fs::create_directories(path());
  EXPECT_THAT(read_names(folder()).warnings, ElementsAre(HasSubstr("not a file")));
  EXPECT_TRUE(write_names(folder(), names(1)));
}

TEST_F(NameFile, LosesOnlyTheNamesThatAreInvalid) {
  put(R"({"version": 1, "names": [{"original": "No Name", "pulled": "b.io/a"}, {"original": "a", "pulled": "b.io/a"}]})");
  const StoredNames stored = read_names(folder());
  EXPECT_THAT(stored.names, SizeIs(1));
  EXPECT_THAT(stored.warnings, ElementsAre(AllOf(HasSubstr(path()), HasSubstr("1 of its names"))));
}

TEST_F(NameFile, CannotBeWhereAFileIsInThePlaceOfItsFolder) {
  std::ofstream(top_ / "var") << "a file";
  const StoredNames stored = read_names(folder());
  EXPECT_FALSE(stored.is_writable);
  EXPECT_THAT(stored.warnings,
              ElementsAre(AllOf(HasSubstr(folder()), HasSubstr("Not a directory"), HasSubstr("set `image`"))));
  const auto written = write_names(folder(), names(1));
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, HasSubstr(folder()));
}

TEST_F(NameFile, IsMadeAgainWhereTheFolderWasRemoved) {
  ASSERT_TRUE(write_names(folder(), names(1)));
  fs::remove_all(folder());
  EXPECT_TRUE(write_names(folder(), names(2)));
  EXPECT_THAT(read_names(folder()).names, SizeIs(2));
}

TEST_F(NameFile, OfACrashLeavesNothingBesideForLong) {
  put("");
  const fs::path old = fs::path(folder()) / ".image-cri-shim.Abandn";
  const fs::path fresh = fs::path(folder()) / ".image-cri-shim.Fresh1";
  for (const fs::path& path : {old, fresh}) std::ofstream(path) << "half a file";
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(1));

  read_names(folder());

  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(fresh)) << "another process may be writing it";
}

// Writes lists of one and of many names by turns, for ever.
[[noreturn]] void write_for_ever(const std::string& folder, const std::vector<RememberedName>& few,
                                 const std::vector<RememberedName>& many) {
  for (;;) {
    if (!write_names(folder, few) || !write_names(folder, many)) ::_exit(1);
  }
}

TEST_F(NameFile, IsTheOldOneOrTheNewOneWhereverItsWriterIsKilled) {
  constexpr int kKills = 60;
  const auto few = names(1, "hub.local/few:1");
  const auto many = names(2000, "hub.local/many:1");
  ASSERT_TRUE(write_names(folder(), few));
  std::mt19937 random(20240607);  // NOLINT(cert-msc51-cpp): the same run each time
  int times_many = 0;
  for (int i = 0; i < kKills; ++i) {
    const pid_t writer = ::fork();
    ASSERT_GE(writer, 0);
    if (writer == 0) write_for_ever(folder(), few, many);
    ::usleep(static_cast<useconds_t>(random() % 20'000));
    ASSERT_EQ(::kill(writer, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(writer, &status, 0), writer);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it could not write";

    const StoredNames stored = read_names(folder());

    ASSERT_THAT(stored.warnings, IsEmpty());
    const bool is_many = stored.names.size() == many.size();
    ASSERT_TRUE(is_many || stored.names.size() == few.size()) << stored.names.size();
    for (const RememberedName& name : stored.names) {
      ASSERT_EQ(name.pulled, is_many ? "hub.local/many:1" : "hub.local/few:1");
    }
    times_many += is_many ? 1 : 0;
  }
  EXPECT_GT(times_many, 0) << "no kill came after the first write: the test shows nothing";
}

}  // namespace
}  // namespace shim::cri
