#include "credentials/credential.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace shim::credentials {
namespace {

class PasswordFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "credential.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return (folder_ / "password").string(); }
  Credential credential() const {
    return {.username = "robot", .password = {}, .password_file = path(), .identity_token = {}};
  }
  void write(const std::string& content) const { std::ofstream(path(), std::ios::binary) << content; }
  std::string password() const {
    const auto read = with_password_read(credential());
    return read ? std::string(read->password.reveal()) : "error: " + read.error().message;
  }

  std::filesystem::path folder_;
};

TEST_F(PasswordFile, IsReadWithoutTheNewlineAtItsEnd) {
  write("pass word\n");
  EXPECT_EQ(password(), "pass word");
  write("windows\r\n");
  EXPECT_EQ(password(), "windows");
  write("two\n\n");
  EXPECT_EQ(password(), "two\n");
}

TEST_F(PasswordFile, IsReadAgainEachTime) {
  write("old");
  EXPECT_EQ(password(), "old");
  write("new");
  EXPECT_EQ(password(), "new");
}

TEST_F(PasswordFile, ThatIsMissingIsAnErrorWithItsName) {
  EXPECT_NE(password().find(path()), std::string::npos) << password();
}

TEST_F(PasswordFile, ThatIsAFifoIsRefusedWithoutWaiting) {
  ASSERT_EQ(mkfifo(path().c_str(), 0600), 0);
  EXPECT_TRUE(password().starts_with("error: ")) << password();
}

TEST_F(PasswordFile, ThatIsTooLargeIsRefused) {
  write(std::string(64 * 1024 + 1, 'x'));
  EXPECT_TRUE(password().starts_with("error: "));
}

TEST(Credential, WithoutAPasswordFileStaysAsItIs) {
  const Credential plain{.username = "u", .password = Secret("p"), .password_file = {}, .identity_token = {}};
  EXPECT_EQ(with_password_read(plain).value(), plain);
}

TEST(BasicAuthorization, IsBase64OfUserAndPassword) {
  auto value = [](std::string user, std::string password) {
    return std::string(basic_authorization({.username = std::move(user),
                                            .password = Secret(std::move(password)),
                                            .password_file = {},
                                            .identity_token = {}})
                           .reveal());
  };
  EXPECT_EQ(value("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617 §2
  EXPECT_EQ(value("a", "b"), "Basic YTpi");
  EXPECT_EQ(value("a", "bc"), "Basic YTpiYw==");
  EXPECT_EQ(value("a", "b:c"), "Basic YTpiOmM=");
  EXPECT_EQ(value("\xff", "\xfe"), "Basic /zr+");
}

}  // namespace
}  // namespace shim::credentials
