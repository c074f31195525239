#include "observe/resolve_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

namespace shim::observe {
namespace {

using nlohmann::json;
using registry::Explanation;
using testing::HasSubstr;

boost::asio::awaitable<Explanation> one_registry(image::Reference reference, std::string pod_namespace) {
  Explanation explanation{.image = reference.original(),
                          .canonical = reference.canonical(),
                          .pod_namespace = std::move(pod_namespace),
                          .lines = {},
                          .warnings = {}};
  explanation.lines.push_back({.registry = "https://harbor.local", .priority = 500, .name = "harbor.local/x"});
  co_return explanation;
}

// As of a Resolver without entries, under `fallback: deny`.
boost::asio::awaitable<Explanation> no_registry(image::Reference reference, std::string pod_namespace) {
  Explanation explanation = co_await one_registry(std::move(reference), std::move(pod_namespace));
  explanation.lines = {{.registry = "docker.io", .is_original = true, .verdict = "kept out by `fallback: deny`"}};
  co_return explanation;
}

Answer answer_to(const std::string& target, const Explain& explain) {
  boost::asio::io_context io;
  const Handler handler = resolve_endpoint(explain);
  std::optional<Answer> answer;
  boost::asio::co_spawn(io, handler(*parse_target(target)),
                        [&](std::exception_ptr, Answer said) { answer = std::move(said); });
  io.run();
  return *answer;
}

TEST(Resolving, AnswersWithTheExplanation) {
  const Answer answer = answer_to("/resolve?image=nginx:1.25&namespace=team-a", one_registry);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "application/json");
  const json object = json::parse(answer.body);
  EXPECT_EQ(object["canonical"], "docker.io/library/nginx:1.25");
  EXPECT_EQ(object["namespace"], "team-a");
  EXPECT_EQ(object["candidates"][0]["registry"], "https://harbor.local");
}

TEST(Resolving, NeedsAnImage) {
  const Answer answer = answer_to("/resolve", one_registry);
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("image=NAME"));
}

TEST(Resolving, RefusesWhatNamesNoImage) {
  for (const std::string image : {"", "two%20words", "a//b", "%00", "%1b%5b2J", "name:"}) {
    const Answer answer = answer_to("/resolve?image=" + image, one_registry);
    EXPECT_EQ(answer.status, 400) << image;
    EXPECT_TRUE(json::parse(answer.body)["error"].is_string());
  }
}

TEST(Resolving, SaysThatAnImageIdIsLookedForNowhere) {
  const Answer answer = answer_to("/resolve?image=sha256:" + std::string(64, 'a'), one_registry);
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("image ID"));
}

TEST(Resolving, SaysThatNoRegistryIsConfigured) {
  const json object = json::parse(answer_to("/resolve?image=nginx", no_registry).body);
  EXPECT_THAT(object["warnings"][0].get<std::string>(), HasSubstr("no registry is configured"));
  ASSERT_EQ(object["candidates"].size(), 1U);
  EXPECT_EQ(object["candidates"][0]["name"], "nginx") << "it is forwarded, whatever `fallback` says";
  EXPECT_EQ(object["candidates"][0]["chosen"], true);
}

}  // namespace
}  // namespace shim::observe
