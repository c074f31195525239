#include "commands/registry_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace shim::commands {
namespace {

using Kind = registry::Outcome::Kind;
using Mark = Finding::Mark;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::chrono::sys_seconds kNow = std::chrono::sys_days(std::chrono::November / 22 / 2026);

registry::Entry entry(const std::string& address = "https://harbor.local") {
  return {.address = image::Address::parse(address).value()};
}

registry::Entry entry_with_user() {
  registry::Entry with = entry();
  credentials::Credential credential;
  credential.username = "robot$it's";
  credential.password = Secret("hush");
  with.credential = std::move(credential);
  return with;
}

RegistryAnswer answer(Kind kind, std::string reason = "") {
  return {
      .outcome = {.source = "https://harbor.local", .name = "harbor.local", .kind = kind, .reason = std::move(reason)}};
}

http::PeerCertificate certificate(std::chrono::sys_seconds until) {
  return {.subject = "CN = harbor.local",
          .issuer = "CN = Company CA",
          .names = {"harbor.local", "10.0.0.1"},
          .not_before = kNow - std::chrono::days(100),
          .not_after = until};
}

RegistryAnswer answer_valid_until(std::chrono::sys_seconds until) {
  RegistryAnswer with = answer(Kind::holds);
  with.look.certificate = certificate(until);
  return with;
}

TEST(RegistryFindings, WellIsOneLine) {
  const Findings findings = judge_registry(entry("http://hub:5000"), answer(Kind::holds), kNow);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].mark, Mark::good);
  EXPECT_EQ(findings[0].subject, "registry http://hub:5000");
  EXPECT_EQ(findings[0].what, "it answers");
}

TEST(RegistryFindings, AcceptedCredentialsAreSaid) {
  EXPECT_EQ(judge_registry(entry_with_user(), answer(Kind::holds), kNow)[0].what,
            "it answers, and accepts the credentials");
}

TEST(RegistryFindings, ACertificateHasItsAuthorityAndItsEnd) {
  const Findings findings = judge_registry(entry(), answer_valid_until(kNow + std::chrono::days(400)), kNow);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].what, "it answers; its certificate, signed by CN = Company CA, is valid until 2027-12-27");
}

TEST(RegistryFindings, ACertificateThatEndsWithinAMonthIsAWarning) {
  struct Row {
    std::chrono::seconds left;
    std::string what;
  };
  for (const auto& [left, what] : {Row{30 * 24h, "its certificate expires on 2026-12-22, in 30 days"},
                                   Row{25h, "its certificate expires on 2026-11-23, in 1 day"},
                                   Row{-1h, "its certificate has expired, on 2026-11-21"}}) {
    const Findings findings = judge_registry(entry(), answer_valid_until(kNow + left), kNow);
    ASSERT_THAT(findings, SizeIs(2)) << what;
    EXPECT_EQ(findings[1].mark, Mark::warning);
    EXPECT_EQ(findings[1].what, what);
    EXPECT_THAT(findings[1].hint, HasSubstr("renew"));
  }
  EXPECT_THAT(judge_registry(entry(), answer_valid_until(kNow + 30 * 24h + 1s), kNow), SizeIs(1));
}

TEST(RegistryFindings, ARefusedCertificateIsDescribed) {
  RegistryAnswer refused = answer(Kind::unreachable, "its certificate is not valid for the name \"harbor.local\"");
  refused.look.certificate = certificate(kNow + std::chrono::days(3));
  const Findings findings = judge_registry(entry(), refused, kNow);
  ASSERT_THAT(findings, SizeIs(1)) << "its end is in the description";
  EXPECT_EQ(findings[0].mark, Mark::bad);
  EXPECT_EQ(findings[0].hint,
            "its certificate: CN = harbor.local, for harbor.local, 10.0.0.1, signed by CN = Company CA, valid from "
            "2026-08-14 until 2026-11-25");
}

TEST(RegistryFindings, HostileCertificateIsShownSafely) {
  RegistryAnswer refused = answer(Kind::unreachable, "no");
  refused.look.certificate =
      http::PeerCertificate{.subject = "CN = \x1b[2J", .names = std::vector<std::string>(20, "a")};
  EXPECT_EQ(judge_registry(entry(), refused, kNow)[0].hint,
            "its certificate: CN = \\x1b[2J, for a, a, a, a, a, a, a, a and 12 more, signed by ");
}

TEST(RegistryFindings, WrongCredentialsCanBeTriedByHand) {
  const Finding finding = judge_registry(entry_with_user(), answer(Kind::refused, "401"), kNow)[0];
  EXPECT_EQ(finding.mark, Mark::bad);
  EXPECT_THAT(finding.hint, HasSubstr("curl -v -u 'robot$it'\\''s' https://harbor.local/v2/"));
}

TEST(RegistryFindings, MissingCredentialsHaveTheirPlaces) {
  EXPECT_THAT(judge_registry(entry(), answer(Kind::refused, "401"), kNow)[0].hint, HasSubstr("auth: user:password"));
}

TEST(RegistryFindings, SilenceHasThreeReasons) {
  const Finding finding = judge_registry(entry(), answer(Kind::unreachable), kNow)[0];
  EXPECT_EQ(finding.what, "no answer in time");
  EXPECT_THAT(finding.hint, HasSubstr("/etc/hosts"));
}

TEST(RegistryFindings, AClockMoreThanAMinuteOffIsAWarning) {
  RegistryAnswer early = answer(Kind::holds);
  early.look.ahead = 7261s;
  const Findings findings = judge_registry(entry(), early, kNow);
  ASSERT_THAT(findings, SizeIs(2));
  EXPECT_EQ(findings[1].mark, Mark::warning);
  EXPECT_EQ(findings[1].what, "its clock is 2h1m1s ahead of that of this node");
  RegistryAnswer late = answer(Kind::holds);
  late.look.ahead = -61s;
  EXPECT_EQ(judge_registry(entry(), late, kNow)[1].what, "its clock is 1m1s behind that of this node");
  RegistryAnswer right = answer(Kind::holds);
  right.look.ahead = -60s;
  EXPECT_THAT(judge_registry(entry(), right, kNow), SizeIs(1));
}

TEST(RegistryFindings, ARedirectIsAWarning) {
  RegistryAnswer moved = answer(Kind::holds);
  moved.look.redirect = "https://elsewhere.local/v2/";
  const Findings findings = judge_registry(entry(), moved, kNow);
  ASSERT_THAT(findings, SizeIs(2));
  EXPECT_EQ(findings[1].what, "it redirects to https://elsewhere.local/v2/");
}

TEST(RegistryFindings, SkippedVerificationIsAWarning) {
  registry::Entry lax = entry();
  lax.tls.insecure_skip_verify = true;
  const Findings findings = judge_registry(lax, answer(Kind::holds), kNow);
  ASSERT_THAT(findings, SizeIs(2));
  EXPECT_THAT(findings[1].what, HasSubstr("tls.insecureSkipVerify"));
}

}  // namespace
}  // namespace shim::commands
