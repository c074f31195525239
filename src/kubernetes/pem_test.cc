#include "kubernetes/pem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kubernetes/kubeconfig_testing.h"

namespace shim::kubernetes {
namespace {

using testing::HasSubstr;

std::string key_in(std::string_view pem) {
  const auto key = private_key_of(pem);
  return key ? std::string(key->reveal()) : "error: " + key.error().message;
}
std::string certificates_in(std::string_view pem) {
  const auto certificates = certificates_of(pem);
  return certificates ? *certificates : "error: " + certificates.error().message;
}

TEST(Pem, OfOneFileIsTakenApart) {
  // As the kubelet's client-current.pem.
  const std::string both = test::certificate("a") + test::certificate("b") + test::private_key();
  EXPECT_EQ(certificates_in(both), test::certificate("a") + test::certificate("b"));
  EXPECT_EQ(key_in(both), test::private_key());
}

TEST(Pem, MayHaveTextAroundItsBlocks) {
  const std::string text = "subject=CN = ca\nnot -----BEGIN CERTIFICATE-----\n" + test::certificate("a") + "end";
  EXPECT_EQ(certificates_in(text), test::certificate("a"));
}

TEST(Pem, KeepsTheLineEndsOfWindows) {
  const std::string text = "-----BEGIN CERTIFICATE-----\r\na\r\n-----END CERTIFICATE-----\r\n";
  EXPECT_EQ(certificates_in(text), "-----BEGIN CERTIFICATE-----\r\na\r\n-----END CERTIFICATE-----\n");
}

TEST(Pem, KnowsEachKindOfKey) {
  for (const std::string kind : {"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"}) {
    const std::string key = "-----BEGIN " + kind + "-----\nk\n-----END " + kind + "-----\n";
    EXPECT_EQ(key_in("-----BEGIN EC PARAMETERS-----\np\n-----END EC PARAMETERS-----\n" + key), key);
  }
}

TEST(Pem, ThatIsEncryptedIsAnError) {
  const std::string by_label = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nk\n-----END ENCRYPTED PRIVATE KEY-----\n";
  const std::string by_header =
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nk\n-----END RSA PRIVATE KEY-----\n";
  EXPECT_THAT(key_in(by_label), HasSubstr("encrypted private key"));
  EXPECT_THAT(key_in(by_header), HasSubstr("encrypted private key"));
}

TEST(Pem, ThatIsMissingOrCutOffIsAnError) {
  EXPECT_EQ(certificates_in(""), "error: holds no certificate in PEM");
  EXPECT_EQ(certificates_in(test::private_key()), "error: holds no certificate in PEM");
  EXPECT_EQ(key_in(test::certificate()), "error: holds no private key in PEM");
  EXPECT_EQ(certificates_in(test::certificate() + "-----BEGIN CERTIFICATE-----\nabc"),
            "error: holds a certificate that has no end");
  EXPECT_EQ(key_in("-----BEGIN PRIVATE KEY-----\nSENTINEL"), "error: holds a private key that has no end");
}

TEST(Pem, CostsNoMoreThanItsLength) {
  std::string hostile;
  while (hostile.size() < 1024 * 1024) hostile += "-----BEGIN X-----\n";
  EXPECT_EQ(certificates_in(hostile), "error: holds no certificate in PEM");
  EXPECT_EQ(key_in(hostile), "error: holds no private key in PEM");
}

}  // namespace
}  // namespace shim::kubernetes
