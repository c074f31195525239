#include "proxy/method.h"

#include <gtest/gtest.h>

namespace shim::proxy {
namespace {

TEST(Method, IsTakenFromBothPackagesAndServices) {
  const auto pull = parse_method("/runtime.v1.ImageService/PullImage");
  ASSERT_TRUE(pull);
  EXPECT_EQ(pull->dialect, Dialect::v1);
  EXPECT_EQ(pull->service, cri::Service::image);
  EXPECT_EQ(pull->name, "PullImage");

  const auto version = parse_method("/runtime.v1alpha2.RuntimeService/Version");
  ASSERT_TRUE(version);
  EXPECT_EQ(version->dialect, Dialect::v1alpha2);
  EXPECT_EQ(version->service, cri::Service::runtime);
  EXPECT_EQ(version->name, "Version");
}

TEST(Method, IsNothingForOtherPackagesAndServices) {
  for (const char* path : {"", "/", "runtime.v1.ImageService/PullImage", "/runtime.v2.ImageService/PullImage",
                           "/runtime.v1beta1.ImageService/PullImage", "/runtime.v1.Images/PullImage",
                           "/runtime.v1.ImageServices/PullImage", "/runtime.v1.ImageService",
                           "/grpc.health.v1.Health/Check", "/a/runtime.v1.ImageService/PullImage"}) {
    EXPECT_FALSE(parse_method(path)) << path;
  }
}

TEST(Method, KeepsANameThatIsNotKnown) {
  EXPECT_EQ(parse_method("/runtime.v1.RuntimeService/Later")->name, "Later");
}

TEST(PathOf, IsTheOppositeOfParsing) {
  for (const char* path : {"/runtime.v1.ImageService/PullImage", "/runtime.v1alpha2.ImageService/ListImages",
                           "/runtime.v1.RuntimeService/Exec", "/runtime.v1alpha2.RuntimeService/Version"}) {
    const Method method = parse_method(path).value();
    EXPECT_EQ(path_of(method.dialect, method.service, method.name), path);
  }
}

TEST(Dialect, HasAnOther) {
  EXPECT_EQ(other(Dialect::v1), Dialect::v1alpha2);
  EXPECT_EQ(other(Dialect::v1alpha2), Dialect::v1);
}

}  // namespace
}  // namespace shim::proxy
