#include "cri/pull_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace shim::cri {
namespace {

using http2::StatusCode;
using registry::Outcome;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = Outcome::Kind;

// ── Whether another source may help ──────────────────────────────────────────────────────────────────────────────────

TEST(MayTryNext, AfterWhatAnotherSourceCanMendOnly) {
  for (const StatusCode code : {StatusCode::unknown, StatusCode::not_found, StatusCode::permission_denied,
                                StatusCode::unavailable, StatusCode::internal, StatusCode::deadline_exceeded}) {
    EXPECT_TRUE(may_try_next(Reply::error(code, "pull failed"), false));
    EXPECT_FALSE(may_try_next(Reply::error(code, "pull failed"), true)) << "the caller's deadline";
  }
}

TEST(MayTryNext, NotAfterTheCallersCancelOrALostRuntime) {
  Reply cancelled = Reply::error(StatusCode::cancelled, "cancelled");
  cancelled.is_cancelled = true;
  EXPECT_FALSE(may_try_next(cancelled, false));
  Reply lost = Reply::error(StatusCode::unavailable, "lost");
  lost.runtime_is_lost = true;
  EXPECT_FALSE(may_try_next(lost, false));
}

TEST(MayTryNext, NotWhereTheDiskIsFull) {
  EXPECT_FALSE(may_try_next(Reply::error(StatusCode::unknown, "write /var/x: no space left on device"), false));
  EXPECT_FALSE(may_try_next(Reply::error(StatusCode::unknown, "write /var/x: disk quota exceeded"), false));
}

TEST(MayTryNext, NotAfterASignatureThatFailed) {
  EXPECT_FALSE(may_try_next(Reply::error(StatusCode::unknown, "SignatureValidationFailed: bad key"), false));
  EXPECT_TRUE(may_try_next(Reply::error(StatusCode::internal, "SignatureValidationFailed: bad key"), false))
      << "the kubelet does not recognise it either";
}

// ── The one error ────────────────────────────────────────────────────────────────────────────────────────────────────

Outcome outcome(std::string source, Kind kind, std::string reason) {
  return {.source = std::move(source), .name = "x", .kind = kind, .reason = std::move(reason)};
}

TEST(PullFailure, NamesEverySourceInOrderAndWhy) {
  const Reply last = Reply::error(StatusCode::permission_denied, "denied");
  const Reply failure = pull_failure("nginx:1",
                                     {outcome("https://one.local", Kind::absent, "404 Not Found"),
                                      outcome("https://two.local", Kind::refused, "401 Unauthorized"),
                                      outcome("docker.io", Kind::pull_failed, "denied")},
                                     &last);
  EXPECT_EQ(failure.status.message,
            "cannot pull nginx:1: https://one.local: 404 Not Found; https://two.local: 401 Unauthorized; "
            "docker.io: denied");
  EXPECT_EQ(failure.status.code, StatusCode::permission_denied) << "of the last pull";
  EXPECT_EQ(failure.trailers.find("grpc-status"), "7");
}

TEST(PullFailure, IsNotFoundWhereEveryEntrySaidNo) {
  const Reply failure = pull_failure(
      "nginx:1", {outcome("one", Kind::absent, "404"), outcome("two", Kind::other_platform, "amd64 only")}, nullptr);
  EXPECT_EQ(failure.status.code, StatusCode::not_found);
}

TEST(PullFailure, IsNotFoundWhereNothingMatches) {
  const Reply failure = pull_failure("nginx:1", {}, nullptr);
  EXPECT_EQ(failure.status.code, StatusCode::not_found);
  EXPECT_THAT(failure.status.message, HasSubstr("fallback: deny"));
}

TEST(PullFailure, BeginsAsTheKubeletExpectsWhereNoSourceCouldBeReached) {
  const Reply last = Reply::error(StatusCode::internal, "dial tcp 10.0.0.1:443: i/o timeout");
  const Reply failure = pull_failure(
      "nginx:1",
      {outcome("one", Kind::unreachable, "connection refused"), outcome("two", Kind::pull_failed, last.status.message)},
      &last);
  EXPECT_THAT(failure.status.message, StartsWith("RegistryUnavailable: cannot pull nginx:1: one: "));
  EXPECT_EQ(failure.status.code, StatusCode::unknown);
}

TEST(PullFailure, IsNotUnavailableWhereOneSourceAnswered) {
  const Reply failure = pull_failure(
      "nginx:1", {outcome("one", Kind::unreachable, "connection refused"), outcome("two", Kind::absent, "404")},
      nullptr);
  EXPECT_THAT(failure.status.message, StartsWith("cannot pull"));
}

TEST(PullFailure, KeepsARuntimesOwnBeginning) {
  const Reply unavailable = Reply::error(StatusCode::unknown, "RegistryUnavailable: 503");
  const Reply one =
      pull_failure("nginx:1", {outcome("one", Kind::pull_failed, "RegistryUnavailable: 503")}, &unavailable);
  EXPECT_THAT(one.status.message, StartsWith("RegistryUnavailable: "));
  EXPECT_EQ(one.status.code, StatusCode::unknown);

  const Reply unsigned_image = Reply::error(StatusCode::unknown, "SignatureValidationFailed: no key");
  const Reply two = pull_failure("nginx:1", {outcome("one", Kind::pull_failed, "SignatureValidationFailed: no key")},
                                 &unsigned_image);
  EXPECT_THAT(two.status.message, StartsWith("SignatureValidationFailed: "));
  EXPECT_EQ(two.status.code, StatusCode::unknown);
}

TEST(DeadlineFailure, NamesWhatWasAskedByThen) {
  const Reply failure = deadline_failure(
      "nginx:1", {outcome("one", Kind::absent, "404"), outcome("two", Kind::unreachable, "no answer within 300ms")});
  EXPECT_EQ(failure.status.code, StatusCode::deadline_exceeded);
  EXPECT_EQ(failure.status.message,
            "cannot pull nginx:1 within the caller's deadline: one: 404; two: no answer within 300ms");
  EXPECT_EQ(deadline_failure("nginx:1", {}).status.message, "cannot pull nginx:1 within the caller's deadline");
}

TEST(PullFailure, SaysWhereTheRuntimeWasLost) {
  Reply last = Reply::error(StatusCode::unavailable, "lost");
  last.runtime_is_lost = true;
  EXPECT_TRUE(pull_failure("nginx:1", {outcome("one", Kind::pull_failed, "lost")}, &last).runtime_is_lost);
}

// ── What to do about it ──────────────────────────────────────────────────────────────────────────────────────────────

TEST(SettingsHint, NamesTheCheckWhereTheRuntimeSpeaksToTheRegistryOtherwise) {
  for (const char* const reason :
       {"failed to do request: Head \"https://sealos.hub:5000/v2/\": http: server gave HTTP response to HTTPS client",
        "failed to do request: Head \"https://harbor.local/v2/\": x509: certificate signed by unknown authority",
        "failed to do request: Head \"https://harbor.local/v2/\": remote error: tls: certificate required"}) {
    EXPECT_THAT(settings_hint(Reply::error(StatusCode::unknown, reason)),
                AllOf(HasSubstr("hosts.toml"), HasSubstr("`image-cri-shim check`")));
  }
}

TEST(SettingsHint, IsEmptyForOtherFailures) {
  for (const char* const reason : {"not found", "401 Unauthorized", "dial tcp: connection refused", ""}) {
    EXPECT_EQ(settings_hint(Reply::error(StatusCode::unknown, reason)), "") << reason;
  }
}

}  // namespace
}  // namespace shim::cri
