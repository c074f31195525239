#include "base/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

namespace shim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class AtomicFile : public testing::Test {
 protected:
  AtomicFile() {
    std::string name = fs::temp_directory_path() / "ics-atomic.XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~AtomicFile() override { fs::remove_all(folder_); }

  std::string at(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, std::string_view content) const { std::ofstream(at(name)) << content; }
  std::string content_of(const std::string& name) const { return read_file(at(name), 1 << 20).value(); }
  std::size_t files() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), {})); }
  mode_t mode_of(const std::string& name) const {
    struct stat attributes{};
    EXPECT_EQ(::stat(at(name).c_str(), &attributes), 0);
    return attributes.st_mode & 07777;
  }

  fs::path folder_;
};

using ReplaceFile = AtomicFile;
using ReadFile = AtomicFile;

// Root reads and writes everything: for the time of a test it is somebody else, who owns the folder.
class AsNobody {
 public:
  explicit AsNobody(const fs::path& folder) : is_root_(::geteuid() == 0) {
    constexpr uid_t kNobody = 65534;
    if (!is_root_) return;
    EXPECT_EQ(::chown(folder.c_str(), kNobody, kNobody), 0);
    EXPECT_EQ(::seteuid(kNobody), 0);
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  ~AsNobody() {
    if (!is_root_) return;
    EXPECT_EQ(::seteuid(0), 0);
  }

 private:
  const bool is_root_;
};

TEST_F(ReplaceFile, ReplacesTheContentAndLeavesNothingBeside) {
  write("f", "a longer text than the new one");
  ASSERT_TRUE(replace_file(at("f"), "new"));
  EXPECT_EQ(content_of("f"), "new");
  EXPECT_EQ(files(), 1u);
}

TEST_F(ReplaceFile, CreatesAFileForItsOwnerAlone) {
  ASSERT_TRUE(replace_file(at("f"), "secret"));
  EXPECT_EQ(mode_of("f"), 0600u);
  ASSERT_TRUE(replace_file(at("g"), "public", 0644));
  EXPECT_EQ(mode_of("g"), 0644u);
}

TEST_F(ReplaceFile, KeepsTheModeOfAnExistingFile) {
  write("f", "old");
  ASSERT_EQ(::chmod(at("f").c_str(), 0640), 0);
  ASSERT_TRUE(replace_file(at("f"), "new", 0600));
  EXPECT_EQ(mode_of("f"), 0640u);
}

TEST_F(ReplaceFile, KeepsTheOwnerOfAnExistingFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  write("f", "old");
  ASSERT_EQ(::chown(at("f").c_str(), 4242, 4343), 0);
  ASSERT_TRUE(replace_file(at("f"), "new"));
  struct stat attributes{};
  ASSERT_EQ(::stat(at("f").c_str(), &attributes), 0);
  EXPECT_EQ(attributes.st_uid, 4242u);
  EXPECT_EQ(attributes.st_gid, 4343u);
}

TEST_F(ReplaceFile, KeepsTheExtendedAttributesOfAnExistingFile) {
  write("f", "old");
  if (::setxattr(at("f").c_str(), "user.note", "mine", 4, 0) != 0) GTEST_SKIP() << "no extended attributes here";
  ASSERT_TRUE(replace_file(at("f"), "new"));
  char value[16] = {};
  EXPECT_EQ(::getxattr(at("f").c_str(), "user.note", value, sizeof value), 4);
  EXPECT_STREQ(value, "mine");
}

TEST_F(ReplaceFile, WritesThroughSymbolicLinksAndKeepsThem) {
  fs::create_directory(at("real"));
  write("real/f", "old");
  fs::create_symlink("real/f", at("inner"));
  fs::create_symlink(at("inner"), at("outer"));
  ASSERT_TRUE(replace_file(at("outer"), "new"));
  EXPECT_TRUE(fs::is_symlink(at("outer")));
  EXPECT_TRUE(fs::is_symlink(at("inner")));
  EXPECT_FALSE(fs::is_symlink(at("real/f")));
  EXPECT_EQ(content_of("real/f"), "new");
}

TEST_F(ReplaceFile, CreatesTheTargetOfADanglingLink) {
  fs::create_symlink("missing", at("link"));
  ASSERT_TRUE(replace_file(at("link"), "new"));
  EXPECT_TRUE(fs::is_symlink(at("link")));
  EXPECT_EQ(content_of("missing"), "new");
}

TEST_F(ReplaceFile, RefusesALinkThatPointsToItself) {
  fs::create_symlink("loop", at("loop"));
  const auto done = replace_file(at("loop"), "new");
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("symbolic links"));
}

TEST_F(ReplaceFile, RefusesWhatIsNoFile) {
  fs::create_directory(at("d"));
  EXPECT_EQ(replace_file(at("d"), "x").error().message, "cannot write " + at("d") + ": it is a folder, not a file");
  EXPECT_EQ(replace_file("/dev/null", "x").error().message, "cannot write /dev/null: it is a device, not a file");
  EXPECT_EQ(files(), 1u);
}

TEST_F(ReplaceFile, NamesThePathAndTheReasonWhenTheFolderIsMissing) {
  const std::string path = at("no/f");
  EXPECT_EQ(replace_file(path, "x").error().message,
            "cannot create a temporary file for " + path + ": No such file or directory");
}

TEST_F(ReplaceFile, AnUnwritableFolderLeavesTheOldFile) {
  const AsNobody nobody(folder_);
  write("f", "old");
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  const auto done = replace_file(at("f"), "new");
  fs::permissions(folder_, fs::perms::owner_all);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("Permission denied"));
  EXPECT_EQ(content_of("f"), "old");
}

TEST_F(ReplaceFile, AFailedWriteLeavesTheOldFileAndNoTemporary) {
  write("f", "old");
  // A limit on the size of files makes write() fail half way, as a full disk does.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{4096, before.rlim_max};
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto done = replace_file(at("f"), std::string(100000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "cannot write " + at("f") + ": File too large");
  EXPECT_EQ(content_of("f"), "old");
  EXPECT_EQ(files(), 1u);
}

enum class ChildResult : int { as_expected, wrong, cannot_mount };

// Runs in a process with its own mounts: a 64 KiB tmpfs on `folder`.
ChildResult replace_on_full_disk(const fs::path& folder) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=64k") != 0) {
    return ChildResult::cannot_mount;
  }
  const std::string path = folder / "f";
  if (!replace_file(path, "old")) return ChildResult::wrong;
  const auto done = replace_file(path, std::string(1 << 20, 'x'));
  const bool says_why = !done && done.error().message == "cannot write " + path + ": No space left on device";
  const bool only_old = std::distance(fs::directory_iterator(folder), {}) == 1 && read_file(path, 10) == "old";
  return says_why && only_old ? ChildResult::as_expected : ChildResult::wrong;
}

// `path` is a mount point of its own, as a file that Kubernetes mounts by subPath.
ChildResult replace_mounted_file(const fs::path& folder) {
  const std::string path = folder / "f", other = folder / "other";
  std::ofstream(path) << "old";
  std::ofstream(other) << "old";
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount(other.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return ChildResult::cannot_mount;
  }
  const auto done = replace_file(path, "new");
  const bool says_why = !done && done.error().message == "cannot replace " + path + ": Device or resource busy";
  const bool only_old = std::distance(fs::directory_iterator(folder), {}) == 2 && read_file(path, 10) == "old";
  return says_why && only_old ? ChildResult::as_expected : ChildResult::wrong;
}

void run_in_child(ChildResult (*body)(const fs::path&), const fs::path& folder) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(static_cast<int>(body(folder)));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == static_cast<int>(ChildResult::cannot_mount)) GTEST_SKIP() << "needs CAP_SYS_ADMIN";
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ChildResult::as_expected));
}

TEST_F(ReplaceFile, AFullDiskLeavesTheOldFileAndNoTemporary) {
  run_in_child(replace_on_full_disk, folder_);
}

TEST_F(ReplaceFile, AFailedRenameLeavesTheOldFileAndNoTemporary) {
  run_in_child(replace_mounted_file, folder_);
}

TEST_F(ReplaceFile, AReaderSeesTheOldOrTheNewContentNeverAPart) {
  const std::string a(10000, 'a'), b(20000, 'b');
  write("f", a);
  std::jthread writer([&] {
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(replace_file(at("f"), i % 2 == 0 ? b : a));
  });
  for (int i = 0; i < 500; ++i) {
    const std::string seen = content_of("f");
    ASSERT_TRUE(seen == a || seen == b) << seen.size();
  }
}

TEST_F(ReadFile, ReadsEveryByte) {
  const std::string content("a\0b\xff\n", 5);
  write("f", content);
  EXPECT_EQ(read_file(at("f"), 5), content);
  write("empty", "");
  EXPECT_EQ(read_file(at("empty"), 0), "");
}

TEST_F(ReadFile, ReadsFilesThatDoNotKnowTheirSize) {
  EXPECT_THAT(read_file("/proc/self/status", 1 << 20).value(), HasSubstr("VmRSS"));
}

TEST_F(ReadFile, RefusesMoreThanTheBound) {
  write("f", "123456");
  EXPECT_EQ(read_file(at("f"), 5).error().message, "cannot read " + at("f") + ": it is larger than 5 bytes");
  EXPECT_THAT(read_file("/proc/self/status", 16).error().message, HasSubstr("larger than 16 bytes"));
}

TEST_F(ReadFile, SaysThatAFileIsMissing) {
  EXPECT_EQ(read_file(at("no"), 10).error().message, "cannot read " + at("no") + ": No such file or directory");
}

TEST_F(ReadFile, SaysThatAFileIsUnreadable) {
  const AsNobody nobody(folder_);
  write("f", "x");
  ASSERT_EQ(::chmod(at("f").c_str(), 0), 0);
  EXPECT_EQ(read_file(at("f"), 10).error().message, "cannot read " + at("f") + ": Permission denied");
}

TEST_F(ReadFile, RefusesWhatIsNoFileWithoutWaiting) {
  ASSERT_EQ(::mkfifo(at("fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_file(at("fifo"), 10).error().message, "cannot read " + at("fifo") + ": it is a FIFO, not a file");
  EXPECT_THAT(read_file(folder_, 10).error().message, HasSubstr("it is a folder, not a file"));
  EXPECT_THAT(read_file("/dev/zero", 10).error().message, HasSubstr("it is a device, not a file"));
}

TEST_F(ReadFile, EscapesAHostilePath) {
  EXPECT_EQ(read_file("/no/a\nb", 10).error().message, "cannot read /no/a\\nb: No such file or directory");
}

}  // namespace
}  // namespace shim
