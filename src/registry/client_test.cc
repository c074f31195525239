#include "registry/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/worker_pool.h"
#include "credentials/keychain.h"
#include "credentials/testing.h"
#include "fake_registry/fake_registry.h"

namespace shim::registry {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::FakeRegistry;
using test::FakeRegistryOptions;
using test::Fault;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Kind = Outcome::Kind;

// Must turn up in no text.
constexpr const char* kPassword = "SENTINEL-passw0rd";

class Probe : public testing::Test {
 protected:
  static Entry entry_at(const std::string& address, credentials::Credential credential = {}) {
    return {.address = image::Address::parse(address).value(), .credential = std::move(credential)};
  }
  static credentials::Credential admin(const char* password = kPassword) {
    return {.username = "admin", .password = Secret(password)};
  }
  static FakeRegistryOptions basic() {
    FakeRegistryOptions options;
    options.users = {{"admin", kPassword}};
    return options;
  }
  static FakeRegistryOptions bearer() {
    FakeRegistryOptions options = basic();
    options.wants_bearer = true;
    return options;
  }
  static FakeRegistryOptions anonymous_bearer() {
    FakeRegistryOptions options;
    options.wants_bearer = true;
    return options;
  }

  Outcome probe(const Entry& entry, const std::string& reference = "1.25", std::chrono::milliseconds budget = 10s) {
    const Candidate candidate{.entry = &entry,
                              .name = entry.address.host() + "/library/nginx:" + reference,
                              .repository = "library/nginx",
                              .tag_or_digest = reference};
    std::optional<Outcome> outcome;
    asio::co_spawn(context_, client_.probe(entry, candidate, Clock::now() + budget),
                   [&](std::exception_ptr, Outcome done) {
                     outcome = std::move(done);
                     context_.stop();
                   });
    context_.restart();
    context_.run();
    EXPECT_EQ(outcome->reason.find("SENTINEL"), std::string::npos) << outcome->reason;
    EXPECT_EQ(outcome->reason.find("secret-token"), std::string::npos) << outcome->reason;
    EXPECT_EQ(outcome->reason.empty(), outcome->kind == Kind::holds);
    return std::move(*outcome);
  }

  Outcome ping(const Entry& entry, std::chrono::milliseconds budget = 10s) {
    std::optional<Outcome> outcome;
    asio::co_spawn(context_, client_.ping(entry, Clock::now() + budget), [&](std::exception_ptr, Outcome done) {
      outcome = std::move(done);
      context_.stop();
    });
    context_.restart();
    context_.run();
    EXPECT_EQ(outcome->reason.find("SENTINEL"), std::string::npos) << outcome->reason;
    return std::move(*outcome);
  }

  static std::vector<std::string> asked(const FakeRegistry& registry) {
    std::vector<std::string> list;
    for (const auto& request : registry.requests()) {
      const std::string path = request.target.substr(0, request.target.find('?'));
      const std::string scheme = request.authorization.substr(0, request.authorization.find(' '));
      list.push_back(request.method + " " + path + (scheme.empty() ? "" : " " + scheme));
    }
    return list;
  }

  Clock::time_point now_ = Clock::time_point() + 1h;
  asio::io_context context_{1};
  http::Client http_{context_.get_executor()};
  RegistryClient client_{
      http_, {.authorization = {.now = [this] { return now_; }}, .platform = {.os = "linux", .architecture = "amd64"}}};
};

constexpr const char* kHead = "HEAD /v2/library/nginx/manifests/1.25";
constexpr const char* kGet = "GET /v2/library/nginx/manifests/1.25";

TEST_F(Probe, FindsAnImage) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  const Entry entry = entry_at(registry.url());
  const Outcome outcome = probe(entry);
  EXPECT_EQ(outcome.kind, Kind::holds) << outcome.reason;
  EXPECT_EQ(outcome.source, registry.url());
  EXPECT_EQ(outcome.name, registry.host() + "/library/nginx:1.25");
  EXPECT_THAT(asked(registry), ElementsAre(kHead));
  EXPECT_THAT(registry.requests()[0].accept, HasSubstr("application/vnd.oci.image.index.v1+json"));
}

TEST_F(Probe, FindsAnImageByDigest) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  EXPECT_EQ(probe(entry_at(registry.url()), test::digest_of(test::image_manifest().body)).kind, Kind::holds);
}

TEST_F(Probe, TakesA404AsANo) {
  FakeRegistry registry;
  const Outcome outcome = probe(entry_at(registry.url()));
  EXPECT_EQ(outcome.kind, Kind::absent);
  EXPECT_TRUE(outcome.rules_out_pull);
}

TEST_F(Probe, UsesOneConnection) {
  FakeRegistry registry(basic());
  registry.put_manifest("library/nginx", "1.25");
  const Entry entry = entry_at(registry.url(), admin());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(probe(entry).kind, Kind::holds);
  EXPECT_EQ(registry.requests().back().connection, 1);
}

TEST_F(Probe, SendsBasicWhenAskedAndAtOnceAfterwards) {
  FakeRegistry registry(basic());
  registry.put_manifest("library/nginx", "1.25");
  const Entry entry = entry_at(registry.url(), admin());
  EXPECT_EQ(probe(entry).kind, Kind::holds);
  EXPECT_EQ(probe(entry).kind, Kind::holds);
  EXPECT_THAT(asked(registry), ElementsAre(kHead, std::string(kHead) + " Basic", std::string(kHead) + " Basic"));
}

TEST_F(Probe, SaysWhoWasRefused) {
  FakeRegistry registry(basic());
  const Entry entry = entry_at(registry.url(), admin("SENTINEL-wrong"));
  for (int i = 0; i < 2; ++i) {
    const Outcome outcome = probe(entry);
    EXPECT_EQ(outcome.kind, Kind::refused);
    EXPECT_FALSE(outcome.rules_out_pull);
    EXPECT_EQ(outcome.reason, "401 Unauthorized: " + registry.host() +
                                  " refused user \"admin\": wrong credentials, or no access to it");
  }
  EXPECT_EQ(asked(registry).size(), 3U) << "a wrong password is sent once for each probe, so that it locks no account";
}

TEST_F(Probe, SaysThatCredentialsAreMissing) {
  FakeRegistry registry(basic());
  const Outcome outcome = probe(entry_at(registry.url()));
  EXPECT_EQ(outcome.kind, Kind::refused);
  EXPECT_EQ(outcome.reason,
            "401 Unauthorized: " + registry.host() + " wants credentials and none are configured: set auth");
}

TEST_F(Probe, SaysWhichPasswordFileItCannotRead) {
  FakeRegistry registry(basic());
  const Outcome outcome = probe(entry_at(registry.url(), {.username = "admin", .password_file = "/no/such/file"}));
  EXPECT_EQ(outcome.kind, Kind::failed);
  EXPECT_THAT(outcome.reason, HasSubstr("/no/such/file"));
}

TEST_F(Probe, FetchesATokenForTheRepositoryAndKeepsIt) {
  FakeRegistry registry(bearer());
  registry.put_manifest("library/nginx", "1.25");
  const Entry entry = entry_at(registry.url(), admin());
  EXPECT_EQ(probe(entry).kind, Kind::holds);
  EXPECT_EQ(probe(entry).kind, Kind::holds);
  EXPECT_THAT(asked(registry),
              ElementsAre(kHead, "GET /token Basic", std::string(kHead) + " Bearer", std::string(kHead) + " Bearer"));
  EXPECT_THAT(registry.requests()[1].target,
              HasSubstr("service=fake%20registry&scope=repository%3Alibrary%2Fnginx%3Apull&account=admin"));
}

TEST_F(Probe, FetchesATokenWithoutCredentials) {
  FakeRegistry registry(anonymous_bearer());
  registry.put_manifest("library/nginx", "1.25");
  EXPECT_EQ(probe(entry_at(registry.url())).kind, Kind::holds);
  EXPECT_THAT(asked(registry), ElementsAre(kHead, "GET /token", std::string(kHead) + " Bearer"));
}

TEST_F(Probe, ExchangesAnIdentityToken) {
  FakeRegistryOptions options = bearer();
  options.identity_token = "SENTINEL-identity";
  FakeRegistry registry(options);
  registry.put_manifest("library/nginx", "1.25");
  EXPECT_EQ(probe(entry_at(registry.url(), {.identity_token = Secret("SENTINEL-identity")})).kind, Kind::holds);
  EXPECT_THAT(asked(registry), ElementsAre(kHead, "POST /token", std::string(kHead) + " Bearer"));
  EXPECT_EQ(probe(entry_at(registry.url(), {.identity_token = Secret("SENTINEL-other")})).kind, Kind::refused);
}

TEST_F(Probe, FetchesANewTokenWhenTheOldOneExpires) {
  FakeRegistry registry(anonymous_bearer());
  registry.put_manifest("library/nginx", "1.25");
  const Entry entry = entry_at(registry.url());
  EXPECT_EQ(probe(entry).kind, Kind::holds);
  now_ += 300s;
  EXPECT_EQ(probe(entry).kind, Kind::holds);
  EXPECT_THAT(asked(registry), ElementsAre(kHead, "GET /token", std::string(kHead) + " Bearer",  //
                                           kHead, "GET /token", std::string(kHead) + " Bearer"));
}

TEST_F(Probe, FetchesANewTokenWhenTheOldOneIsRefused) {
  FakeRegistry registry(anonymous_bearer());
  registry.put_manifest("library/nginx", "1.25");
  const Entry entry = entry_at(registry.url());
  EXPECT_EQ(probe(entry).kind, Kind::holds);
  registry.revoke_tokens();
  EXPECT_EQ(probe(entry).kind, Kind::holds);
  EXPECT_EQ(asked(registry).size(), 6U);
}

TEST_F(Probe, DoesNotAskForTokensForEver) {
  FakeRegistryOptions options = anonymous_bearer();
  options.token_override = "never-good";
  FakeRegistry registry(options);
  const Outcome outcome = probe(entry_at(registry.url()));
  EXPECT_EQ(outcome.kind, Kind::refused);
  EXPECT_THAT(asked(registry), ElementsAre(kHead, "GET /token", std::string(kHead) + " Bearer"));
}

TEST_F(Probe, SaysWhenTheTokenEndpointRefuses) {
  FakeRegistry registry(bearer());
  const Outcome outcome = probe(entry_at(registry.url(), admin("SENTINEL-wrong")));
  EXPECT_EQ(outcome.kind, Kind::refused);
  EXPECT_THAT(outcome.reason,
              HasSubstr("401 Unauthorized: token endpoint " + registry.url() + " refused user \"admin\""));
}

TEST_F(Probe, DoesNotSendCredentialsToARealmElsewhereInTheClear) {
  FakeRegistry elsewhere;
  FakeRegistryOptions options = bearer();
  options.realm = "http://localhost:" + std::to_string(elsewhere.port()) + "/token";
  FakeRegistry registry(options);
  const Outcome outcome = probe(entry_at(registry.url(), admin()));
  EXPECT_EQ(outcome.kind, Kind::refused);
  EXPECT_THAT(outcome.reason, HasSubstr("plain HTTP: credentials are not sent there"));
  EXPECT_THAT(elsewhere.requests(), IsEmpty());
}

TEST_F(Probe, DoesNotFollowATokenEndpointElsewhere) {
  FakeRegistry elsewhere;
  FakeRegistry registry(bearer());
  registry.set_fault("/token", {.kind = Fault::Kind::redirect, .location = elsewhere.url() + "/token"});
  EXPECT_EQ(probe(entry_at(registry.url(), admin())).kind, Kind::failed);
  EXPECT_THAT(elsewhere.requests(), IsEmpty());
}

TEST_F(Probe, FollowsRedirectsWithoutCredentials) {
  FakeRegistry elsewhere;
  elsewhere.put_manifest("library/nginx", "1.25");
  FakeRegistry registry(basic());
  const Entry entry = entry_at(registry.url(), admin());
  probe(entry);  // so that Basic is sent at once
  registry.set_fault("*", {.kind = Fault::Kind::redirect,
                           .location = elsewhere.url() + "/v2/library/nginx/manifests/1.25?signature=SENTINEL"});
  EXPECT_EQ(probe(entry).kind, Kind::holds);
  EXPECT_EQ(asked(registry).back(), std::string(kHead) + " Basic");
  EXPECT_THAT(asked(elsewhere), ElementsAre(kHead));
}

TEST_F(Probe, SendsNoCredentialsToItselfAfterARedirectEither) {
  FakeRegistry registry(basic());
  const Entry entry = entry_at(registry.url(), admin());
  probe(entry);
  registry.set_fault("*", {.kind = Fault::Kind::redirect, .location = "/v2/"});
  const Outcome outcome = probe(entry);
  EXPECT_EQ(outcome.kind, Kind::refused);
  EXPECT_THAT(outcome.reason, HasSubstr("where credentials are not sent"));
  EXPECT_EQ(asked(registry).back(), "HEAD /v2/");
}

TEST_F(Probe, FollowsAFewRedirectsOnly) {
  FakeRegistry registry;
  registry.set_fault("*", {.kind = Fault::Kind::redirect, .location = "/v2/library/nginx/manifests/1.25"});
  const Outcome outcome = probe(entry_at(registry.url()));
  EXPECT_EQ(outcome.kind, Kind::failed);
  EXPECT_EQ(registry.requests().size(), 6U);
}

TEST_F(Probe, DoesNotFollowARedirectToAnythingElseThanHttp) {
  FakeRegistry registry;
  registry.set_fault("*", {.kind = Fault::Kind::redirect, .location = "file:///etc/passwd"});
  EXPECT_EQ(probe(entry_at(registry.url())).kind, Kind::failed);
}

TEST_F(Probe, DoesNotTakeAnHtmlPageForAYes) {
  FakeRegistry registry;
  registry.set_fault("*", {.kind = Fault::Kind::html_200});
  const Outcome outcome = probe(entry_at(registry.url()));
  EXPECT_EQ(outcome.kind, Kind::failed);
  EXPECT_TRUE(outcome.rules_out_pull);
  EXPECT_EQ(outcome.reason, "200 OK with an HTML page: is " + registry.host() + " a registry?");
}

TEST_F(Probe, SaysThatAnHtml404MayBeNoRegistry) {
  FakeRegistry registry;
  registry.set_fault("*", {.kind = Fault::Kind::html_404});
  const Outcome outcome = probe(entry_at(registry.url()));
  EXPECT_EQ(outcome.kind, Kind::absent);
  EXPECT_THAT(outcome.reason, HasSubstr("is " + registry.host() + " a registry?"));
}

TEST_F(Probe, AsksWithGetWhereHeadIsNotKnown) {
  for (const int status : {400, 405, 501}) {
    FakeRegistry registry;
    registry.put_manifest("library/nginx", "1.25");
    registry.set_fault("*", {.kind = Fault::Kind::head_refused, .status = status});
    EXPECT_EQ(probe(entry_at(registry.url())).kind, Kind::holds) << status;
    EXPECT_THAT(asked(registry), ElementsAre(kHead, kGet)) << status;
  }
}

TEST_F(Probe, BoundsWhatItReads) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25", test::image_index({"linux/amd64"}));
  registry.set_fault("*", {.kind = Fault::Kind::endless_body});
  registry.put_manifest("library/nginx", "1.25", test::image_index({"linux/amd64"}));
  const Outcome outcome = probe(entry_at(registry.url()));
  EXPECT_EQ(outcome.kind, Kind::failed);
  EXPECT_THAT(outcome.reason, HasSubstr("longer than 4194304 bytes"));
}

TEST_F(Probe, ReadsAnIndexForThePlatformOfTheNode) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25", test::image_index({"linux/arm64/v8", "linux/amd64"}));
  EXPECT_EQ(probe(entry_at(registry.url())).kind, Kind::holds);
  EXPECT_THAT(asked(registry), ElementsAre(kHead, kGet));
}

TEST_F(Probe, ReadsAnIndexOnceWhereHeadIsNotKnown) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25", test::image_index({"linux/amd64"}));
  registry.set_fault("*", {.kind = Fault::Kind::head_refused, .status = 405});
  EXPECT_EQ(probe(entry_at(registry.url())).kind, Kind::holds);
  EXPECT_THAT(asked(registry), ElementsAre(kHead, kGet));
}

TEST_F(Probe, SaysWhichPlatformsAnIndexHas) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25", test::image_index({"linux/arm64/v8", "linux/s390x"}));
  const Outcome outcome = probe(entry_at(registry.url()));
  EXPECT_EQ(outcome.kind, Kind::other_platform);
  EXPECT_TRUE(outcome.rules_out_pull);
  EXPECT_EQ(outcome.reason, "no image for linux/amd64, only for linux/arm64/v8, linux/s390x");
}

TEST_F(Probe, DoesNotTakeAnotherDigestForAYes) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  registry.set_fault("*", {.kind = Fault::Kind::wrong_digest});
  const Outcome outcome = probe(entry_at(registry.url()), test::digest_of(test::image_manifest().body));
  EXPECT_EQ(outcome.kind, Kind::failed);
  EXPECT_TRUE(outcome.rules_out_pull);
  EXPECT_THAT(outcome.reason, HasSubstr("another digest"));
}

TEST_F(Probe, SaysWhatAFailingRegistryAnswered) {
  FakeRegistry registry;
  registry.set_fault("*", {.kind = Fault::Kind::status, .status = 503, .retry_after = "120"});
  const Outcome outcome = probe(entry_at(registry.url()));
  EXPECT_EQ(outcome.kind, Kind::failed);
  EXPECT_FALSE(outcome.rules_out_pull);
  EXPECT_EQ(outcome.reason, "503 Service Unavailable from " + registry.host() + ", Retry-After: 120");
}

TEST_F(Probe, SaysWhoIsForbiddenToRead) {
  FakeRegistry registry;
  registry.set_fault("*", {.kind = Fault::Kind::status, .status = 403});
  const Outcome outcome = probe(entry_at(registry.url(), admin()));
  EXPECT_EQ(outcome.kind, Kind::refused);
  EXPECT_EQ(outcome.reason, "403 Forbidden: " + registry.host() + " does not let user \"admin\" read it");
}

TEST_F(Probe, GivesUpWhenItsTimeIsOver) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  registry.set_fault("*", {.kind = Fault::Kind::hang});
  const Outcome outcome = probe(entry_at(registry.url()), "1.25", 50ms);
  EXPECT_EQ(outcome.kind, Kind::unreachable);
  EXPECT_THAT(outcome.reason, HasSubstr(", but no answer within "));
}

TEST_F(Probe, SaysThatAConnectionWasReset) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  registry.set_fault("*", {.kind = Fault::Kind::reset});
  const Outcome outcome = probe(entry_at(registry.url()));
  EXPECT_EQ(outcome.kind, Kind::unreachable);
  EXPECT_THAT(outcome.reason, HasSubstr("connection lost"));
}

TEST_F(Probe, SaysHowToWriteAnAddress) {
  FakeRegistry plain;
  EXPECT_THAT(probe(entry_at("https://" + plain.host())).reason,
              HasSubstr("answered plain HTTP: write http://" + plain.host() + " in the address"));
  const test::TestCa ca;
  FakeRegistryOptions options;
  options.tls = ca.issue({"127.0.0.1"});
  FakeRegistry secure(options);
  EXPECT_THAT(probe(entry_at("http://" + secure.host())).reason,
              HasSubstr("it speaks TLS: write https://" + secure.host() + " in the address"));
}

TEST_F(Probe, TrustsTheAuthorityOfItsEntryForTheTokenToo) {
  const test::TestCa ca;
  FakeRegistryOptions options = bearer();
  options.tls = ca.issue({"127.0.0.1"});
  FakeRegistry registry(options);
  registry.put_manifest("library/nginx", "1.25");
  Entry entry = entry_at(registry.url(), admin());
  EXPECT_THAT(probe(entry).reason, HasSubstr("unknown authority"));
  EXPECT_THAT(registry.requests(), IsEmpty());
  entry.tls.ca = ca.file();
  EXPECT_EQ(probe(entry).kind, Kind::holds);
}

TEST_F(Probe, SendsCredentialsToTheirOwnRegistryOnly) {
  FakeRegistry first(basic());
  FakeRegistryOptions others;
  others.users = {{"other", "SENTINEL-other"}};
  FakeRegistry second(others);
  const Entry of_first = entry_at(first.url(), admin());
  const Entry of_second = entry_at(second.url(), {.username = "other", .password = Secret("SENTINEL-other")});
  for (int i = 0; i < 2; ++i) {
    probe(of_first);
    probe(of_second);
  }
  const auto sent = credentials::basic_authorization(*of_second.credential);
  for (const auto& request : second.requests()) {
    EXPECT_TRUE(request.authorization.empty() || request.authorization == sent.reveal());
  }
}

// ── How the registry is ──────────────────────────────────────────────────────────────────────────────────────────────

constexpr Health kWell{.kind = Health::Kind::answered};

TEST_F(Probe, ShowsARegistryThatAnswersAsWellWhateverItSays) {
  FakeRegistry registry(basic());
  EXPECT_EQ(probe(entry_at(registry.url(), admin())).health, kWell) << "absent";
  EXPECT_EQ(probe(entry_at(registry.url())).health, kWell) << "without credentials";
  registry.set_fault("*", {.kind = Fault::Kind::status, .status = 403});
  EXPECT_EQ(probe(entry_at(registry.url())).health, kWell);
  registry.set_fault("*", {.kind = Fault::Kind::redirect, .location = "/v2/library/nginx/manifests/1.25"});
  EXPECT_EQ(probe(entry_at(registry.url())).health, kWell) << "it redirects for ever";
}

TEST_F(Probe, ShowsARegistryAsWellWhereItsPasswordFileIsGone) {
  FakeRegistry registry(basic());
  const Entry entry = entry_at(registry.url(), {.username = "admin", .password_file = "/no/such/file"});
  EXPECT_EQ(probe(entry).health, kWell) << "its 401 was an answer";
}

TEST_F(Probe, ShowsFailuresOfEveryKind) {
  FakeRegistry registry;
  registry.put_manifest("library/nginx", "1.25");
  const Entry entry = entry_at(registry.url());
  registry.set_fault("*", {.kind = Fault::Kind::status, .status = 500});
  EXPECT_EQ(probe(entry).health.kind, Health::Kind::failed);
  registry.set_fault("*", {.kind = Fault::Kind::reset});
  EXPECT_EQ(probe(entry).health.kind, Health::Kind::failed);
  registry.set_fault("*", {.kind = Fault::Kind::endless_header});
  EXPECT_EQ(probe(entry).health.kind, Health::Kind::failed);
  EXPECT_EQ(probe(entry_at("https://" + registry.host())).health.kind, Health::Kind::failed) << "no TLS there";
  registry.set_fault("*", {.kind = Fault::Kind::hang});
  EXPECT_EQ(probe(entry, "1.25", 50ms).health.kind, Health::Kind::timed_out);
}

TEST_F(Probe, ShowsForHowLongItIsNotToAsk) {
  FakeRegistry registry;
  registry.set_fault("*", {.kind = Fault::Kind::status, .status = 429, .retry_after = "7"});
  EXPECT_EQ(probe(entry_at(registry.url())).health, (Health{Health::Kind::throttled, 7s}));
}

TEST_F(Probe, CountsTheTokenEndpointAsPartOfTheRegistry) {
  FakeRegistry registry(bearer());
  const Entry entry = entry_at(registry.url(), admin());
  registry.set_fault("/token", {.kind = Fault::Kind::status, .status = 503});
  EXPECT_EQ(probe(entry).health.kind, Health::Kind::failed);
  registry.set_fault("/token", {.kind = Fault::Kind::hang});
  EXPECT_EQ(probe(entry, "1.25", 50ms).health.kind, Health::Kind::timed_out);
  registry.set_fault("/token", {.kind = Fault::Kind::reset});
  EXPECT_EQ(probe(entry).health.kind, Health::Kind::failed);
  registry.set_fault("/token", {.kind = Fault::Kind::status, .status = 403});
  EXPECT_EQ(probe(entry).health, kWell);
}

TEST_F(Probe, CountsWhereItRedirectsToAsPartOfTheRegistry) {
  FakeRegistry elsewhere;
  FakeRegistry registry;
  registry.set_fault("*", {.kind = Fault::Kind::redirect, .location = elsewhere.url() + "/v2/a/manifests/1"});
  elsewhere.set_fault("*", {.kind = Fault::Kind::status, .status = 502});
  EXPECT_EQ(probe(entry_at(registry.url())).health.kind, Health::Kind::failed);
}

// ── Ping ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_F(Probe, PingsWithTheEntrysCredentials) {
  FakeRegistry registry(bearer());
  const Outcome outcome = ping(entry_at(registry.url(), admin()));
  EXPECT_EQ(outcome.kind, Kind::holds) << outcome.reason;
  EXPECT_EQ(outcome.health, kWell);
  EXPECT_THAT(asked(registry), ElementsAre("GET /v2/", "GET /token Basic", "GET /v2/ Bearer"));
  EXPECT_THAT(registry.requests()[1].target, Not(HasSubstr("scope=")));
}

TEST_F(Probe, PingsARegistryThatRefusesAsOneThatIsWell) {
  FakeRegistry registry(basic());
  for (const Entry& entry : {entry_at(registry.url()), entry_at(registry.url(), admin("SENTINEL-wrong"))}) {
    const Outcome outcome = ping(entry);
    EXPECT_EQ(outcome.kind, Kind::refused);
    EXPECT_EQ(outcome.health, kWell);
  }
}

TEST_F(Probe, PingsARegistryWithoutItsTokenEndpointAsOneThatIsNot) {
  FakeRegistry registry(bearer());
  registry.set_fault("/token", {.kind = Fault::Kind::hang});
  EXPECT_EQ(ping(entry_at(registry.url(), admin()), 50ms).health.kind, Health::Kind::timed_out);
}

TEST_F(Probe, SendsAnIdentityTokenAsAPasswordWhereTheEndpointKnowsNoGrants) {
  FakeRegistryOptions options;
  options.wants_bearer = true;
  options.users = {{"", "SENTINEL-refresh"}};
  FakeRegistry registry(options);
  registry.put_manifest("library/nginx", "1.25");
  const Entry entry = entry_at(registry.url(), {.identity_token = Secret("SENTINEL-refresh")});
  EXPECT_EQ(probe(entry).kind, Kind::holds);
  EXPECT_THAT(asked(registry), ElementsAre(kHead, "POST /token", "GET /token Basic", std::string(kHead) + " Bearer"));
}

TEST_F(Probe, FetchesOneTokenForAllWhoWantTheSame) {
  FakeRegistry registry(bearer());
  registry.put_manifest("library/nginx", "1.25");
  const Entry entry = entry_at(registry.url(), admin());
  const Candidate candidate{.entry = &entry, .name = "n", .repository = "library/nginx", .tag_or_digest = "1.25"};
  int held = 0;
  int left = 200;
  for (int i = 0; i < 200; ++i) {
    asio::co_spawn(context_, client_.probe(entry, candidate, Clock::now() + 10s),
                   [&](std::exception_ptr, const Outcome& outcome) {
                     held += outcome.kind == Kind::holds ? 1 : 0;
                     if (--left == 0) context_.stop();
                   });
  }
  context_.run();
  EXPECT_EQ(held, 200);
  const auto requests = asked(registry);
  EXPECT_EQ(std::ranges::count(requests, "GET /token Basic"), 1);
}

// Registries whose entries have no `auth`.
class ProbeWithSources : public Probe {
 protected:
  static Entry entry_without_auth(const FakeRegistry& registry) {
    return {.address = image::Address::parse(registry.url()).value()};
  }
  static std::string login(const std::string& host, const std::string& password) {
    return R"({"auths":{")" + host + R"(":{"username":"admin","password":")" + password + R"("}}})";
  }
  Outcome probe_with(RegistryClient& client, const Entry& entry) {
    const Candidate candidate{.entry = &entry, .name = "n", .repository = "library/nginx", .tag_or_digest = "1.25"};
    std::optional<Outcome> outcome;
    asio::co_spawn(context_, client.probe(entry, candidate, Clock::now() + 10s), [&](std::exception_ptr, Outcome done) {
      outcome = std::move(done);
      context_.stop();
    });
    context_.restart();
    context_.run();
    EXPECT_EQ(outcome->reason.find("SENTINEL"), std::string::npos) << outcome->reason;
    return std::move(*outcome);
  }

  test::Folder folder_;
  WorkerPool workers_{2};
  std::shared_ptr<credentials::Keychain> keychain_ = std::make_shared<credentials::Keychain>(
      workers_, credentials::Keychain::Options{.docker_config = {folder_.path("config.json")},
                                               .plugin_config = folder_.path("plugins.yaml"),
                                               .plugin_bin_dir = folder_.path("")});
  RegistryClient with_sources_{http_, {.authorization = {.keychain = keychain_}}};
};

TEST_F(ProbeWithSources, SendsWhatDockersConfigHasToItsHostOnly) {
  folder_.write("plugins.yaml", "not used");
  FakeRegistry own(basic());
  FakeRegistry other(basic());
  own.put_manifest("library/nginx", "1.25");
  folder_.write("config.json", login(own.host(), kPassword));
  const Entry of_own = entry_without_auth(own);
  const Entry of_other = entry_without_auth(other);
  EXPECT_EQ(probe_with(with_sources_, of_own).kind, Kind::holds);
  for (int i = 0; i < 2; ++i) EXPECT_NE(probe_with(with_sources_, of_other).kind, Kind::holds);
  for (const auto& request : other.requests()) EXPECT_TRUE(request.authorization.empty());
}

TEST_F(ProbeWithSources, SaysWhoWasRefused) {
  FakeRegistry registry(basic());
  folder_.write("config.json", login(registry.host(), "SENTINEL-wrong"));
  const Entry entry = entry_without_auth(registry);
  const Outcome outcome = probe_with(with_sources_, entry);
  EXPECT_EQ(outcome.kind, Kind::refused);
  EXPECT_THAT(outcome.reason, HasSubstr("user \"admin\""));
}

TEST_F(ProbeWithSources, SaysWhichSourceIsBroken) {
  FakeRegistry registry(basic());
  folder_.write("config.json", "{");
  const Entry entry = entry_without_auth(registry);
  const Outcome outcome = probe_with(with_sources_, entry);
  EXPECT_EQ(outcome.kind, Kind::failed);
  EXPECT_THAT(outcome.reason, HasSubstr("config.json: not a JSON object"));
}

TEST_F(ProbeWithSources, UsesARotatedPasswordOfAPluginInTheSameProbe) {
  for (const FakeRegistryOptions& options : {basic(), bearer()}) {
    FakeRegistry registry(options);
    registry.put_manifest("library/nginx", "1.25");
    folder_.write(
        "plugins.yaml",
        "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n- {name: rotating, "
        "matchImages: ['" +
            registry.host() +
            "'], defaultCacheDuration: 1h, apiVersion: "
            "credentialprovider.kubelet.k8s.io/v1}\n");
    folder_.program("rotating", "cat " + folder_.path("answer"));
    const auto answer = [&](const std::string& password) {
      folder_.write("answer",
                    R"({"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1",)"
                    R"("cacheKeyType":"Registry","auth":{")" +
                        registry.host() + R"(":{"username":"admin","password":")" + password + R"("}}})");
    };
    const Entry entry = entry_without_auth(registry);
    answer("SENTINEL-old");
    EXPECT_EQ(probe_with(with_sources_, entry).kind, Kind::refused);
    answer(kPassword);
    EXPECT_EQ(probe_with(with_sources_, entry).kind, Kind::holds);
  }
}

}  // namespace
}  // namespace shim::registry
