#include "http/look_up.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace shim::http {
namespace {

std::string texts(const Addresses& addresses) {
  std::string text;
  for (const auto& address : addresses) text += (text.empty() ? "" : " ") + address.to_string();
  return text;
}

class HostsFile : public testing::Test {
 protected:
  std::string of(std::string_view host) const { return texts(look_up_in_file(file_, host)); }
  void write(const std::string& text) { std::ofstream(file_) << text; }
  ~HostsFile() override { std::filesystem::remove(file_); }

  std::string file_ = testing::TempDir() + "hosts-" + std::to_string(::getpid()) + "-" +
                      testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(HostsFile, NamesAndAliasesInEveryCase) {
  write("10.0.0.5\tSealos.Hub  hub # the registry\n");
  EXPECT_EQ(of("sealos.hub"), "10.0.0.5");
  EXPECT_EQ(of("sealos.hub."), "10.0.0.5");
  EXPECT_EQ(of("hub"), "10.0.0.5");
  EXPECT_EQ(of("registry"), "");
}

TEST_F(HostsFile, GivesEveryAddressOfAName) {
  write("fd00::5 sealos.hub\n10.0.0.5 sealos.hub\n10.0.0.5 sealos.hub\n");
  EXPECT_EQ(of("sealos.hub"), "fd00::5 10.0.0.5");
}

TEST_F(HostsFile, SkipsWhatItDoesNotUnderstand) {
  write("# 10.0.0.1 sealos.hub\n\nnonsense sealos.hub\n10.0.0.999 sealos.hub\n10.0.0.2 sealos.hub");
  EXPECT_EQ(of("sealos.hub"), "10.0.0.2");
}

TEST_F(HostsFile, ThatIsMissingListsNothing) {
  EXPECT_EQ(of("sealos.hub"), "");
}

TEST(LookUpBySystem, SaysWhyANameIsNotKnown) {
  const auto found = look_up_with_system("no such name");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message, "Name or service not known");
}

TEST(LookUpBySystem, GivesEachAddressOnce) {
  const auto found = look_up_with_system("127.0.0.1");
  ASSERT_TRUE(found);
  EXPECT_EQ(texts(*found), "127.0.0.1");
}

TEST(WithoutLookUp, AddressesAndLocalhostAreKnown) {
  EXPECT_EQ(texts(addresses_without_look_up("10.0.0.5")), "10.0.0.5");
  EXPECT_EQ(texts(addresses_without_look_up("fd00::5")), "fd00::5");
  for (const char* host : {"localhost", "localhost.", "registry.localhost"})
    EXPECT_EQ(texts(addresses_without_look_up(host)), "127.0.0.1 ::1") << host;
  EXPECT_EQ(texts(addresses_without_look_up("notlocalhost")), "");
}

}  // namespace
}  // namespace shim::http
