#include "registry/manifest.h"

#include <gtest/gtest.h>

#include "registry/platform.h"

namespace shim::registry {
namespace {

const Platform kAmd64{.os = "linux", .architecture = "amd64"};

std::string checked(std::string_view body, const Platform& node = kAmd64) {
  const auto result = check_index(body, node);
  return result ? "ok" : result.error().message;
}

TEST(MediaTypes, AreKnownWithParametersAndInAnyCase) {
  EXPECT_TRUE(is_index("application/vnd.oci.image.index.v1+json"));
  EXPECT_TRUE(is_index("Application/vnd.docker.distribution.manifest.LIST.v2+json ; charset=utf-8"));
  EXPECT_FALSE(is_index("application/vnd.oci.image.manifest.v1+json"));
  EXPECT_TRUE(is_manifest("application/vnd.oci.image.manifest.v1+json"));
  EXPECT_TRUE(is_manifest("application/vnd.docker.distribution.manifest.v2+json"));
  EXPECT_FALSE(is_manifest("application/json"));
  EXPECT_TRUE(is_html("text/html; charset=utf-8"));
  EXPECT_FALSE(is_html(""));
}

TEST(MediaTypes, AreAllAskedFor) {
  EXPECT_EQ(manifest_media_types(),
            "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, "
            "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json");
}

TEST(Digest, IsAnAlgorithmAndHex) {
  EXPECT_TRUE(is_digest("sha256:" + std::string(64, 'a')));
  EXPECT_FALSE(is_digest("sha256:short"));
  EXPECT_FALSE(is_digest("latest"));
  EXPECT_FALSE(is_digest("sha256:" + std::string(64, 'G')));
  EXPECT_FALSE(is_digest(""));
}

TEST(Index, WithTheNodesPlatformIsGood) {
  EXPECT_EQ(checked(R"({"schemaVersion":2,"manifests":[
      {"digest":"a","platform":{"os":"linux","architecture":"arm64","variant":"v8"}},
      {"digest":"b","size":1,"platform":{"os":"linux","architecture":"amd64","os.features":["x"]},"annotations":{}}]})"),
            "ok");
}

TEST(Index, WithoutItNamesThePlatformsThatItHas) {
  EXPECT_EQ(checked(R"({"manifests":[{"platform":{"os":"linux","architecture":"arm64","variant":"v8"}},
                                     {"platform":{"os":"windows","architecture":"amd64"}},
                                     {"platform":{"os":"unknown","architecture":"unknown"}}]})"),
            "no image for linux/amd64, only for linux/arm64/v8, windows/amd64");
}

TEST(Index, WithAnImageOfUnsaidPlatformIsGood) {
  EXPECT_EQ(checked(R"({"manifests":[{"digest":"a"}]})"), "ok");
}

TEST(Index, ThatIsEmptyOrBrokenIsNot) {
  EXPECT_EQ(checked(R"({"manifests":[]})"), "its image index is empty");
  for (const char* body : {"", "[]", "{", "null", R"({"manifests":{}})", R"({"schemaVersion":2})", "<html>"}) {
    EXPECT_EQ(checked(body), "its image index is not readable") << body;
  }
}

TEST(Index, OfAHostileRegistryIsShownInOneBoundedLine) {
  std::string body = R"({"manifests":[)";
  for (int i = 0; i < 1000; ++i) body += R"({"platform":{"os":"li\nnux","architecture":"\u001b[31m"}},)";
  body.back() = ']';
  body += "}";
  const std::string reason = checked(body);
  EXPECT_LT(reason.size(), 400U);
  EXPECT_EQ(reason.find('\n'), std::string::npos);
  EXPECT_EQ(reason.find('\x1b'), std::string::npos);
}

TEST(Index, ThatIsNestedDeeplyDoesNotHurt) {
  EXPECT_EQ(checked(std::string(1024 * 1024, '[')), "its image index is not readable");
  EXPECT_EQ(checked(R"({"manifests":[)" + std::string(200'000, '[') + std::string(200'000, ']') + "]}"),
            "its image index is empty");
}

TEST(Platform, OfAMachineHasGosName) {
  EXPECT_EQ(platform_of_machine("x86_64").text(), "linux/amd64");
  EXPECT_EQ(platform_of_machine("aarch64").text(), "linux/arm64");
  EXPECT_EQ(platform_of_machine("armv7l").text(), "linux/arm/v7");
  EXPECT_EQ(platform_of_machine("armv6l").text(), "linux/arm/v6");
  EXPECT_EQ(platform_of_machine("armv8l").text(), "linux/arm/v7");
  EXPECT_EQ(platform_of_machine("s390x").text(), "linux/s390x");
}

TEST(Platform, ArmNodesRunTheirVariantAndOlderOnes) {
  auto arm = [](const char* variant) { return Platform{.os = "linux", .architecture = "arm", .variant = variant}; };
  EXPECT_TRUE(can_run(arm("v7"), arm("v7")));
  EXPECT_TRUE(can_run(arm("v7"), arm("v6")));
  EXPECT_TRUE(can_run(arm("v7"), arm("")));
  EXPECT_FALSE(can_run(arm("v6"), arm("v7")));
}

TEST(Platform, MustFitInSystemArchitectureAndLevel) {
  EXPECT_TRUE(can_run(kAmd64, kAmd64));
  EXPECT_FALSE(can_run(kAmd64, {.os = "windows", .architecture = "amd64"}));
  EXPECT_FALSE(can_run(kAmd64, {.os = "linux", .architecture = "arm64"}));
  EXPECT_FALSE(can_run(kAmd64, {.os = "linux", .architecture = "amd64", .variant = "v3"}));
  const Platform arm64{.os = "linux", .architecture = "arm64"};
  EXPECT_TRUE(can_run(arm64, {.os = "linux", .architecture = "arm64", .variant = "v8"}));
}

}  // namespace
}  // namespace shim::registry
