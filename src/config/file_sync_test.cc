#include "config/file_sync.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace shim::config {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using Kind = SyncResult::Kind;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void write(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

std::string attribute(const std::string& path, const char* name) {
  char value[256];
  const ssize_t length = ::getxattr(path.c_str(), name, value, sizeof value);
  return length < 0 ? "" : std::string(value, static_cast<std::size_t>(length));
}

class FileSync : public ::testing::Test {
 protected:
  FileSync() {
    std::string pattern = (fs::temp_directory_path() / "file_sync_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ / "image-cri-shim.yaml";
    write(path_, "old");
  }
  ~FileSync() override { fs::remove_all(folder_); }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename());
    return names;
  }
  void expect_nothing_beside() const { EXPECT_THAT(names(), ::testing::ElementsAre("image-cri-shim.yaml")); }

  fs::path folder_;
  std::string path_;
};

TEST_F(FileSync, replaces_what_was_read_and_leaves_nothing_beside) {
  EXPECT_EQ(sync_file(path_, "old", "new").kind, Kind::written);
  EXPECT_EQ(read(path_), "new");
  expect_nothing_beside();
}

TEST_F(FileSync, keeps_mode_owner_and_extended_attributes) {
  ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    ASSERT_EQ(::chown(path_.c_str(), 12, 34), 0);
  }
  const bool has_attributes = ::setxattr(path_.c_str(), "user.note", "mine", 4, 0) == 0;
  const bool has_label =
      is_root && ::setxattr(path_.c_str(), "security.selinux", "system_u:object_r:etc_t:s0", 27, 0) == 0;
  ASSERT_EQ(sync_file(path_, "old", "new").kind, Kind::written);
  struct stat attributes{};
  ASSERT_EQ(::stat(path_.c_str(), &attributes), 0);
  EXPECT_EQ(attributes.st_mode & 07777U, 0640U);
  if (is_root) {
    EXPECT_EQ(std::pair(attributes.st_uid, attributes.st_gid), std::pair(12U, 34U));
  }
  if (has_attributes) {
    EXPECT_EQ(attribute(path_, "user.note"), "mine");
  }
  if (has_label) {
    EXPECT_THAT(attribute(path_, "security.selinux"), HasSubstr("etc_t"));
  }
}

// version 2; user::rw- user:1:r-- group::r-- mask::r-- other::--- (linux/posix_acl_xattr.h)
const std::string kAcl(
    "\x02\0\0\0\x01\0\6\0\xff\xff\xff\xff\x02\0\4\0\x01\0\0\0\x04\0\4\0\xff\xff\xff\xff"
    "\x10\0\4\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff",
    44);

TEST_F(FileSync, keeps_an_access_control_list) {
  if (::setxattr(path_.c_str(), "system.posix_acl_access", kAcl.data(), kAcl.size(), 0) != 0)
    GTEST_SKIP() << "no ACLs here";
  ASSERT_EQ(sync_file(path_, "old", "new").kind, Kind::written);
  EXPECT_EQ(attribute(path_, "system.posix_acl_access"), kAcl);
}

TEST_F(FileSync, takes_no_access_control_list_from_the_folder) {
  if (::setxattr(folder_.c_str(), "system.posix_acl_default", kAcl.data(), kAcl.size(), 0) != 0) {
    GTEST_SKIP() << "no ACLs here";
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
  ASSERT_EQ(sync_file(path_, "old", "new").kind, Kind::written);
  EXPECT_EQ(attribute(path_, "system.posix_acl_access"), "");
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms(0600));
}

TEST_F(FileSync, a_symbolic_link_stays) {
  fs::create_directory(folder_ / "d");
  fs::rename(path_, folder_ / "d" / "real.yaml");
  fs::create_symlink("d/real.yaml", path_);
  EXPECT_EQ(sync_file(path_, "old", "new").kind, Kind::written);
  EXPECT_TRUE(fs::is_symlink(path_));
  EXPECT_EQ(read(folder_ / "d" / "real.yaml"), "new");
}

TEST_F(FileSync, a_file_that_says_something_else_by_now_stays) {
  for (const char* expected : {"", "ol", "old2", "new", "OLD"}) {
    EXPECT_EQ(sync_file(path_, expected, "new").kind, Kind::changed_meanwhile) << expected;
  }
  EXPECT_EQ(read(path_), "old");
  fs::remove(path_);
  EXPECT_EQ(sync_file(path_, "old", "new").kind, Kind::changed_meanwhile);
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(FileSync, a_file_that_somebody_has_open_for_writing_stays) {
  const std::ofstream editor(path_, std::ios::app);
  EXPECT_EQ(sync_file(path_, "old", "new").kind, Kind::changed_meanwhile);
  EXPECT_EQ(read(path_), "old");
  expect_nothing_beside();
}

TEST_F(FileSync, removes_what_a_crashed_predecessor_left) {
  write(folder_ / ".image-cri-shim.yaml.sync-abc123", "half");
  write(folder_ / ".image-cri-shim.yaml.sync-other-file", "somebody's");
  EXPECT_EQ(sync_file(path_, "old", "new").kind, Kind::written);
  EXPECT_THAT(names(), ::testing::UnorderedElementsAre("image-cri-shim.yaml", ".image-cri-shim.yaml.sync-other-file"));
}

// Edits by other programs at a step of the sync.
TEST_F(FileSync, an_edit_by_rename_at_any_step_is_kept) {
  for (const SyncStep at : {SyncStep::created, SyncStep::prepared, SyncStep::written, SyncStep::compared}) {
    write(path_, "old");
    const SyncResult result = sync_file(path_, "old", "new", [&](SyncStep step) {
      if (step != at) return;
      write(folder_ / "edit", "edited");
      fs::rename(folder_ / "edit", path_);
    });
    EXPECT_EQ(result.kind, Kind::changed_meanwhile) << static_cast<int>(at);
    EXPECT_EQ(read(path_), "edited");
    expect_nothing_beside();
  }
}

TEST_F(FileSync, of_two_edits_the_newer_is_kept) {
  const SyncResult result = sync_file(path_, "old", "new", [&](SyncStep step) {
    if (step != SyncStep::compared && step != SyncStep::exchanged) return;
    write(folder_ / "edit", step == SyncStep::compared ? "first" : "second");
    fs::rename(folder_ / "edit", path_);
  });
  EXPECT_EQ(result.kind, Kind::changed_meanwhile);
  EXPECT_EQ(read(path_), "second");
  expect_nothing_beside();
}

TEST_F(FileSync, an_edit_is_kept_even_where_the_file_is_removed_after_it) {
  const SyncResult result = sync_file(path_, "old", "new", [&](SyncStep step) {
    if (step == SyncStep::exchanged) fs::remove(path_);
    if (step != SyncStep::compared) return;
    write(folder_ / "edit", "edited");
    fs::rename(folder_ / "edit", path_);
  });
  EXPECT_EQ(result.kind, Kind::changed_meanwhile);
  EXPECT_EQ(read(path_), "edited");
  expect_nothing_beside();
}

TEST_F(FileSync, an_edit_in_place_at_any_step_is_kept) {
  for (const SyncStep at : {SyncStep::created, SyncStep::prepared, SyncStep::written}) {
    write(path_, "old");
    const SyncResult result = sync_file(path_, "old", "new", [&](SyncStep step) {
      if (step == at) write(path_, "edited");
    });
    EXPECT_EQ(result.kind, Kind::changed_meanwhile) << static_cast<int>(at);
    EXPECT_EQ(read(path_), "edited");
    expect_nothing_beside();
  }
}

// A program that has found the old file by its name, and opens it only after the exchange.
TEST_F(FileSync, an_edit_in_place_of_the_file_that_came_out_is_kept) {
  const int old = ::open(path_.c_str(), O_PATH | O_CLOEXEC);
  std::thread editor;
  const SyncResult result = sync_file(path_, "old", "new", [&](SyncStep step) {
    if (step != SyncStep::compared) return;
    std::atomic<bool> is_opening = false;
    editor = std::thread([old, &is_opening] {
      const std::string name = "/proc/self/fd/" + std::to_string(old);
      is_opening = true;
      is_opening.notify_one();
      const int fd = ::open(name.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);  // waits for the lease
      EXPECT_EQ(::write(fd, "edited", 6), 6);
      ::close(fd);
    });
    is_opening.wait(false);
  });
  editor.join();
  ::close(old);
  EXPECT_EQ(result.kind, Kind::changed_meanwhile);
  EXPECT_EQ(read(path_), "edited");
  expect_nothing_beside();
}

TEST_F(FileSync, a_change_of_the_mode_meanwhile_is_kept) {
  const SyncResult result = sync_file(path_, "old", "new", [&](SyncStep step) {
    if (step == SyncStep::written) ::chmod(path_.c_str(), 0600);
  });
  EXPECT_EQ(result.kind, Kind::changed_meanwhile);
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms(0600));
}

// Ends a child process at each step, as kill -9 would.
TEST_F(FileSync, a_crash_at_any_step_leaves_the_old_file_or_the_new_one) {
  for (const SyncStep at : {SyncStep::created, SyncStep::prepared, SyncStep::written, SyncStep::compared,
                            SyncStep::exchanged, SyncStep::removed, SyncStep::synced}) {
    write(path_, "old");
    ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      sync_file(path_, "old", "new", [at](SyncStep step) {
        if (step == at) ::kill(::getpid(), SIGKILL);
      });
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << static_cast<int>(at);
    EXPECT_EQ(read(path_), at < SyncStep::exchanged ? "old" : "new") << static_cast<int>(at);
    EXPECT_EQ(fs::status(path_).permissions(), fs::perms(0640));
    EXPECT_EQ(sync_file(path_, read(path_), "next").kind, Kind::written);
    EXPECT_EQ(read(path_), "next");
    expect_nothing_beside();
  }
}

// Kills a child that syncs without an end at moments that no step names.
TEST_F(FileSync, a_crash_at_any_moment_leaves_a_whole_file) {
  const std::string first(50'000, 'a');
  const std::string second(70'000, 'b');
  write(path_, first);
  for (int round = 0; round < 24; ++round) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      for (bool is_first = read(path_) == first;; is_first = !is_first) {
        sync_file(path_, is_first ? first : second, is_first ? second : first,
                  [&](SyncStep) { (void)!::write(ready[1], "x", 1); });
      }
    }
    std::string steps(static_cast<std::size_t>(round) + 1, '\0');
    for (std::size_t got = 0; got < steps.size();)
      got += static_cast<std::size_t>(::read(ready[0], steps.data(), steps.size() - got));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ::close(ready[0]);
    ::close(ready[1]);
    const std::string content = read(path_);
    ASSERT_TRUE(content == first || content == second) << content.size() << " bytes";
  }
}

// Turns the first line of the file to and fro until `is_done`, counting the attempts in `rounds`.
int sync_until(const std::string& path, const std::atomic<bool>& is_done, std::atomic<int>& rounds) {
  int written = 0;
  for (char state = '1'; !is_done || written == 0; state = state == '1' ? '2' : '1', ++rounds) {
    const std::string expected = read(path);
    std::string content = expected;
    if (content.size() < 9) continue;
    content[7] = state;
    if (sync_file(path, expected, content).kind == Kind::written) ++written;
  }
  return written;
}

constexpr int kEdits = 100;

std::string line_of(int edit) {
  return "# " + std::to_string(edit) + "\n";
}

// As `echo >>` does.
TEST_F(FileSync, no_edit_in_place_is_lost) {
  write(path_, "state: 0\n");
  std::atomic<bool> is_done = false;
  std::atomic<int> rounds = 0;
  std::thread editor([&] {
    for (int edit = 0; edit < kEdits; ++edit) {
      const int before = rounds;
      std::ofstream(path_, std::ios::app) << line_of(edit);
      while (edit % 10 == 0 && rounds < before + 2) std::this_thread::yield();
    }
    is_done = true;
  });
  EXPECT_GT(sync_until(path_, is_done, rounds), 0);
  editor.join();
  for (int edit = 0; edit < kEdits; ++edit) EXPECT_THAT(read(path_), HasSubstr(line_of(edit)));
}

// An editor that has the whole text in its memory, and saves it under another name first.
TEST_F(FileSync, no_edit_by_rename_is_lost) {
  std::string text = "state: 0\n";
  write(path_, text);
  std::atomic<bool> is_done = false;
  std::atomic<int> rounds = 0;
  std::thread editor([&] {
    for (int edit = 0; edit < kEdits; ++edit) {
      text += line_of(edit);
      write(folder_ / "edit", text);
      fs::rename(folder_ / "edit", path_);
      const int before = rounds;
      // For a moment a reader may see the sync's file instead.
      bool is_there = false;
      while (!is_there && rounds < before + 10) is_there = read(path_).ends_with(line_of(edit));
      EXPECT_TRUE(is_there) << "edit " << edit << " is lost";
    }
    is_done = true;
  });
  EXPECT_GT(sync_until(path_, is_done, rounds), 0);
  editor.join();
  EXPECT_TRUE(read(path_).ends_with(line_of(kEdits - 1)));
}

TEST_F(FileSync, a_reader_sees_the_old_or_the_new_content_never_a_part) {
  const std::string first(100'000, 'a');
  const std::string second(50'000, 'b');
  write(path_, first);
  std::atomic<bool> is_done = false;
  std::thread reader([&] {
    while (!is_done) {
      const std::string content = read(path_);
      EXPECT_TRUE(content == first || content == second) << content.size();
    }
  });
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(sync_file(path_, round % 2 == 0 ? first : second, round % 2 == 0 ? second : first).kind, Kind::written);
  }
  is_done = true;
  reader.join();
}

TEST_F(FileSync, refuses_what_is_no_file_without_waiting) {
  fs::create_directory(folder_ / "d");
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  fs::create_symlink("loop", folder_ / "loop");
  const auto message = [&](const std::string& path) {
    const SyncResult result = sync_file(path, "", "new");
    EXPECT_EQ(result.kind, Kind::failed) << path;
    return result.message;
  };
  EXPECT_EQ(message(folder_ / "d"), "cannot write " + (folder_ / "d").string() + ": it is a folder, not a file");
  EXPECT_EQ(message(folder_ / "fifo"), "cannot write " + (folder_ / "fifo").string() + ": it is a FIFO, not a file");
  EXPECT_EQ(message("/dev/null"), "cannot write /dev/null: it is a device, not a file");
  EXPECT_EQ(message(folder_ / "loop"),
            "cannot write " + (folder_ / "loop").string() + ": Too many levels of symbolic links");
}

// In a process with mounts of its own; `act` gives what is wrong, or nothing.
template <class Act>
void run_with_own_mounts(Act act) {
  int out[2];
  ASSERT_EQ(::pipe(out), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::string wrong = "needs CAP_SYS_ADMIN";
    if (::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) wrong = act();
    (void)!::write(out[1], wrong.data(), wrong.size());
    ::_exit(0);
  }
  ::close(out[1]);
  std::string wrong(4096, '\0');
  wrong.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(out[0], wrong.data(), wrong.size()))));
  ::close(out[0]);
  ::waitpid(child, nullptr, 0);
  if (wrong == "needs CAP_SYS_ADMIN") GTEST_SKIP() << wrong;
  EXPECT_EQ(wrong, "");
}

std::string difference(const SyncResult& result, Kind kind, const std::string& message) {
  if (result.kind == kind && result.message == message) return "";
  return "kind " + std::to_string(static_cast<int>(result.kind)) + ": " + result.message;
}

TEST_F(FileSync, says_that_the_file_system_is_read_only) {
  run_with_own_mounts([&]() -> std::string {
    const char* folder = folder_.c_str();
    if (::mount(folder, folder, nullptr, MS_BIND, nullptr) != 0 ||
        ::mount("", folder, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
      return "needs CAP_SYS_ADMIN";
    }
    return difference(
        sync_file(path_, "old", "new"), Kind::not_writable,
        "cannot create a temporary file for " + path_ + ": Read-only file system (the file system is read-only)");
  });
}

TEST_F(FileSync, says_that_the_file_is_a_mount_point) {
  run_with_own_mounts([&]() -> std::string {
    write(folder_ / "mounted", "old");
    if (::mount((folder_ / "mounted").c_str(), path_.c_str(), nullptr, MS_BIND, nullptr) != 0) {
      return "needs CAP_SYS_ADMIN";
    }
    std::string wrong = difference(sync_file(path_, "old", "new"), Kind::not_writable,
                                   "cannot replace " + path_ +
                                       ": Device or resource busy (the file is a mount point of its own; mount its "
                                       "folder instead)");
    if (read(path_) != "old" || names().size() != 2) wrong += " something was left";
    return wrong;
  });
}

TEST_F(FileSync, says_that_the_disk_is_full) {
  run_with_own_mounts([&]() -> std::string {
    if (::mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=64k") != 0) return "needs CAP_SYS_ADMIN";
    write(path_, "old");
    std::string wrong = difference(sync_file(path_, "old", std::string(200'000, 'x')), Kind::failed,
                                   "cannot write " + path_ + ": No space left on device");
    if (read(path_) != "old" || names().size() != 1) wrong += " something was left";
    return wrong;
  });
}

// As on file systems without an exchange of two files and without leases (NFS, some of FUSE): in a process for which
// the system calls fail as they do there.
bool refuse_exchange_and_leases() {
  constexpr auto kNumber = static_cast<unsigned int>(offsetof(seccomp_data, nr));
  constexpr auto kSecondArgument = static_cast<unsigned int>(offsetof(seccomp_data, args) + sizeof(std::uint64_t));
  sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumber),           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_renameat2, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_fcntl, 0, 3), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kSecondArgument),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, F_SETLEASE, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {static_cast<unsigned short>(std::size(rules)), rules};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST_F(FileSync, compares_and_renames_where_files_cannot_be_exchanged) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!refuse_exchange_and_leases()) ::_exit(77);
    if (sync_file(path_, "old", "new").kind != Kind::written || read(path_) != "new") ::_exit(1);
    const SyncResult result = sync_file(path_, "new", "newer", [&](SyncStep step) {
      if (step == SyncStep::exchanged) ::_exit(3);
      if (step == SyncStep::compared) write(path_, "edited");
    });
    ::_exit(result.kind == Kind::changed_meanwhile && read(path_) == "edited" ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(status, 0);
  expect_nothing_beside();
}

class Immutable {
 public:
  explicit Immutable(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) { set(true); }
  ~Immutable() {
    set(false);
    ::close(fd_);
  }
  bool is_set() const { return is_set_; }

 private:
  void set(bool on) {
    int flags = 0;
    if (::ioctl(fd_, FS_IOC_GETFLAGS, &flags) != 0) return;
    flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    is_set_ = ::ioctl(fd_, FS_IOC_SETFLAGS, &flags) == 0 && on;
  }

  int fd_;
  bool is_set_ = false;
};

TEST_F(FileSync, says_that_the_file_or_its_folder_may_be_immutable) {
  for (const std::string& which : {path_, folder_.string()}) {
    const Immutable immutable(which);
    if (!immutable.is_set()) GTEST_SKIP() << "needs CAP_LINUX_IMMUTABLE, and a file system that has it";
    const SyncResult result = sync_file(path_, "old", "new");
    EXPECT_EQ(result.kind, Kind::not_writable);
    EXPECT_THAT(result.message, AnyOf(HasSubstr("cannot replace " + path_ + ": Operation not permitted"),
                                      HasSubstr("cannot create a temporary file for " + path_)));
    EXPECT_THAT(result.message, HasSubstr("may be immutable (lsattr), or another user's)"));
    EXPECT_EQ(read(path_), "old");
    EXPECT_EQ(names().size(), 1U);
  }
}

TEST_F(FileSync, the_signal_of_a_broken_lease_ends_no_process) {
  SyncResult result;
  std::thread worker([&] {  // while this thread does not block the signal
    result = sync_file(path_, "old", "new", [&](SyncStep step) {
      if (step != SyncStep::exchanged) return;
      const std::size_t other = names().at(0) == "image-cri-shim.yaml" ? 1 : 0;
      EXPECT_EQ(::open((folder_ / names().at(other)).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC), -1);
    });
    sigset_t blocked{};
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    EXPECT_EQ(sigismember(&blocked, SIGIO), 0);
  });
  worker.join();
  EXPECT_EQ(result.kind, Kind::changed_meanwhile);
  EXPECT_EQ(read(path_), "old");
}

}  // namespace
}  // namespace shim::config
