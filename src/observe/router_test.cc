#include "observe/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace shim::observe {
namespace {

using testing::ElementsAre;
using testing::Pair;

boost::asio::awaitable<Answer> nothing(Request) {
  co_return Answer{};
}

TEST(Target, IsAPathAndParametersDecoded) {
  const auto request = parse_target("/resolve?image=ghcr.io%2Forg%2Fapp%3Av1&namespace=team%20a");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->path, "/resolve");
  EXPECT_THAT(request->query, ElementsAre(Pair("image", "ghcr.io/org/app:v1"), Pair("namespace", "team a")));
}

TEST(Target, MayHaveNoParameters) {
  const auto request = parse_target("/resolve");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->parameter("image"), std::nullopt);
}

TEST(Target, HasTheFirstOfParametersOfOneName) {
  const auto request = parse_target("/resolve?image=a&image=b&namespace");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->parameter("image"), "a");
  EXPECT_EQ(request->parameter("namespace"), "") << "without a value";
}

TEST(Target, MayHoldAnyOctet) {
  const auto request = parse_target("/resolve?image=%00%1b%ff%0d%0a");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->parameter("image"), std::string("\0\x1b\xff\r\n", 5));
}

TEST(Target, ThatIsNoPathIsAnError) {
  for (const std::string target : {"", "*", "resolve", "http://host/resolve", "/a b", "/?image=%", "/?image=%zz"}) {
    EXPECT_FALSE(parse_target(target)) << target;
  }
}

TEST(ARouter, FindsWhatIsAtAPath) {
  Router router;
  router.add("/resolve", nothing);
  router.add("/livez", nothing);
  EXPECT_NE(router.find("/resolve"), nullptr);
  EXPECT_EQ(router.find("/resolve/"), nullptr);
  EXPECT_EQ(router.find("/"), nullptr);
  EXPECT_THAT(router.paths(), ElementsAre("/livez", "/resolve"));
}

TEST(AnErrorAnswer, IsOneLineOfJson) {
  const Answer answer = error_answer(400, "not \"this\"\n\x1b[31m \xff");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(answer.body.find('\n'), answer.body.size() - 1);
  EXPECT_EQ(answer.body.find('\x1b'), std::string::npos);
  EXPECT_TRUE(nlohmann::json::parse(answer.body)["error"].get<std::string>().starts_with("not \"this\"\n"));
}

}  // namespace
}  // namespace shim::observe
