#include "kubernetes/refusal.h"

#include <gtest/gtest.h>

#include <string>

#include "kubernetes/testing.h"

namespace shim::kubernetes {
namespace {

using Ask = WatchPlan::Ask;
using Kind = WatchPlan::Outcome::Kind;

const ConfigMapKey kWanted{.name_space = "kube-system", .name = "image-cri-shim", .key = "registries.yaml"};

http::Response answer(int status, std::string body, http::Headers headers = {}) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return response;
}
Refusal refusal_of(int status, const std::string& reason, const std::string& message = "", http::Headers headers = {}) {
  return refusal_of_answer(Ask::get, answer(status, testing::status_json(status, reason, message), std::move(headers)),
                           kWanted);
}

TEST(Refusal, IsOfAKind) {
  EXPECT_EQ(refusal_of(401, "Unauthorized").outcome.kind, Kind::unauthorized);
  EXPECT_EQ(refusal_of(403, "Forbidden").outcome.kind, Kind::forbidden);
  EXPECT_EQ(refusal_of(410, "Gone").outcome.kind, Kind::expired);
  for (const int status : {302, 400, 404, 429, 500, 503}) {
    EXPECT_EQ(refusal_of(status, "Other").outcome.kind, Kind::lost) << status;
  }
}

TEST(Refusal, SpellsOutTheRuleThatIsMissing) {
  const std::string message =
      R"(configmaps "image-cri-shim" is forbidden: User "system:node:w1" cannot watch resource)";
  const http::Response forbidden = answer(403, testing::status_json(403, "Forbidden", message));
  EXPECT_EQ(
      refusal_of_answer(Ask::watch, forbidden, kWanted).reason,
      "403 Forbidden: user \"system:node:w1\" may not watch it; bind that user to a Role in namespace kube-system "
      "with the rule {apiGroups: [\"\"], resources: [configmaps], resourceNames: [image-cri-shim], verbs: [get, "
      "watch]} (manifests are in deploy/); it says: " +
          message);
}

TEST(Refusal, SaysWhenToAskAgain) {
  const Refusal refusal = refusal_of(429, "TooManyRequests", "slow down", {{"Retry-After", "3"}});
  EXPECT_EQ(refusal.outcome.retry_after, std::chrono::seconds(3));
  EXPECT_EQ(refusal.reason, "answered 429 TooManyRequests, to be asked again in 3s; it says: slow down");
  for (const char* odd : {"", "-1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "99999999999999999999"}) {
    EXPECT_EQ(refusal_of(503, "Unavailable", "", {{"Retry-After", odd}}).outcome.retry_after, std::nullopt) << odd;
  }
}

TEST(Refusal, DoubtsAServerWithoutAStatus) {
  for (const char* body : {"", "<html>Bad Gateway</html>", "{}"}) {
    EXPECT_EQ(refusal_of_answer(Ask::get, answer(502, body), kWanted).reason,
              "answered 502 without a Status: is it an API server?");
  }
}

TEST(Refusal, IsNotThatThereIsNone) {
  EXPECT_TRUE(says_not_found(answer(404, testing::status_json(404, "NotFound", "configmaps \"x\" not found"))));
  EXPECT_FALSE(says_not_found(answer(404, "404 page not found")));
  EXPECT_FALSE(says_not_found(answer(500, testing::status_json(404, "NotFound", ""))));
}

}  // namespace
}  // namespace shim::kubernetes
