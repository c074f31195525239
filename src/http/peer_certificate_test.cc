#include "http/peer_certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace shim::http {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// As libcurl 7.88 with OpenSSL 3 gives them.
constexpr std::string_view kFields[] = {"Subject:O = Org, CN = reg.test",
                                        "Issuer:CN = Own authority: the first",
                                        "Version:2",
                                        "X509v3 Basic Constraints:CA:TRUE",
                                        "X509v3 Subject Alternative Name:DNS:a.test, IP Address:127.0.0.1",
                                        "Start date:Nov  2 00:49:02 2026 GMT",
                                        "Expire date:Nov 24 00:49:02 2026 GMT",
                                        "Cert:-----BEGIN CERTIFICATE-----"};

TEST(PeerCertificate, NamesWhoseItIsAndWhoSignedIt) {
  const PeerCertificate certificate = read_certificate(kFields);
  EXPECT_EQ(certificate.subject, "O = Org, CN = reg.test");
  EXPECT_EQ(certificate.issuer, "CN = Own authority: the first");
}

TEST(PeerCertificate, IsForHostsAndAddresses) {
  EXPECT_THAT(read_certificate(kFields).names, ElementsAre("a.test", "127.0.0.1"));
}

TEST(PeerCertificate, IsValidFromAndUntil) {
  const PeerCertificate certificate = read_certificate(kFields);
  const std::chrono::sys_seconds day = std::chrono::sys_days(std::chrono::November / 2 / 2026);
  EXPECT_EQ(certificate.not_before, day + 49min + 2s);
  EXPECT_EQ(certificate.not_after, day + std::chrono::days(22) + 49min + 2s);
}

TEST(PeerCertificate, OfNonsenseSaysNothing) {
  const std::string long_date(1000, '1');
  const std::string fields[] = {"",
                                ":",
                                "Subject",
                                "X509v3 Subject Alternative Name:, ,DNS",
                                "Start",
                                "Start date:soon",
                                "Expire date:Feb 31 00:00:00 2026 GMT",
                                "Start date:" + long_date};
  const std::vector<std::string_view> views(std::begin(fields), std::end(fields));
  EXPECT_EQ(read_certificate(views), PeerCertificate());
}

TEST(PeerCertificate, WithoutNamesHasNone) {
  constexpr std::string_view kBare[] = {"Subject:CN = old.test"};
  EXPECT_THAT(read_certificate(kBare).names, IsEmpty());
}

}  // namespace
}  // namespace shim::http
