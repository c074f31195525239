#include "kubernetes/login_files.h"

#include <gtest/gtest.h>

#include <chrono>

#include "credentials/testing.h"
#include "kubernetes/kubeconfig_testing.h"

namespace shim::kubernetes {
namespace {

using namespace std::chrono_literals;

// What rotation does to a login is told by kubeconfig_access_test.cc; this is what it costs where there is none.
TEST(ReadLogin, OnlyLooksAtFilesThatHaveNotChanged) {
  const shim::test::Folder folder;
  const KubeconfigSource source{.files = {folder.write("config", test::kubeconfig("{tokenFile: token}"))}};
  folder.write("token", "T");
  auto before = read_login(source, nullptr);
  ASSERT_TRUE(before) << before.error().message;
  const auto deadline = std::chrono::steady_clock::now() + 10s;  // a file that changed just now is not trusted yet
  auto after = read_login(source, *before);
  while (*after != *before && std::chrono::steady_clock::now() < deadline) {
    before = after;
    after = read_login(source, *before);
  }
  EXPECT_EQ(*after, *before);
}

}  // namespace
}  // namespace shim::kubernetes
