#include "base/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shim {
namespace {

class Journal : public testing::Test {
 protected:
  Journal() { EXPECT_EQ(::pipe2(pipe_, O_CLOEXEC), 0); }
  ~Journal() override {
    ::unsetenv("JOURNAL_STREAM");
    for (const int fd : pipe_) ::close(fd);
  }

  int pipe_[2];
};

TEST_F(Journal, IsTheStreamThatTheServiceManagerNames) {
  struct stat status{};
  ASSERT_EQ(::fstat(pipe_[1], &status), 0);
  ::setenv("JOURNAL_STREAM", fmt::format("{}:{}", status.st_dev, status.st_ino).c_str(), 1);
  EXPECT_TRUE(is_journal(pipe_[1]));
}

TEST_F(Journal, IsNotAStreamThatWasRedirectedSince) {
  ::setenv("JOURNAL_STREAM", "8:12345", 1);
  EXPECT_FALSE(is_journal(pipe_[1]));
}

TEST_F(Journal, IsNothingWithoutAServiceManager) {
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_FALSE(is_journal(pipe_[1]));
}

}  // namespace
}  // namespace shim
