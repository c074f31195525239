#include "kubernetes/exec_credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kubernetes/kubeconfig_testing.h"

namespace shim::kubernetes {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string answer(const json& status, std::string_view version = kExecV1) {
  return json{{"kind", "ExecCredential"}, {"apiVersion", version}, {"status", status}}.dump();
}

// `token T`, `certificate C key K` or `error: …`.
std::string read(const std::string& text, std::string_view version = kExecV1) {
  const auto credential = parse_exec_credential(text, version);
  if (!credential) {
    EXPECT_THAT(credential.error().message, Not(HasSubstr("SENTINEL")));
    return "error: " + credential.error().message;
  }
  std::string shown;
  if (!credential->token.empty()) shown += "token " + std::string(credential->token.reveal()) + " ";
  if (!credential->certificate.empty()) shown += credential->certificate + std::string(credential->key.reveal());
  return shown;
}

TEST(ExecInfo, SaysThatNobodyIsThere) {
  EXPECT_EQ(json::parse(exec_info(kExecV1)), json::parse(R"({"kind":"ExecCredential",
      "apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}})"));
}

TEST(ExecInfo, HasTheClusterWhereThePluginIsToKnowIt) {
  const Cluster cluster{.server = "https://api.test",
                        .insecure_skip_tls_verify = true,
                        .tls_server_name = "kubernetes",
                        .proxy_url = "http://proxy:3128",
                        .exec_config = R"({"audience":"a"})"};
  EXPECT_EQ(json::parse(exec_info(kExecV1Beta1, cluster, "foobar")), json::parse(R"({"kind":"ExecCredential",
      "apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false,"cluster":{
      "server":"https://api.test","tls-server-name":"kubernetes","insecure-skip-tls-verify":true,
      "certificate-authority-data":"Zm9vYmFy","proxy-url":"http://proxy:3128","config":{"audience":"a"}}}})"));
  EXPECT_EQ(json::parse(exec_info(kExecV1, {.server = "https://b"}, ""))["spec"]["cluster"],
            json::parse(R"({"server":"https://b","config":null})"));
}

TEST(ExecAnswer, IsATokenOrACertificateWithItsKeyOrBoth) {
  const json pair = {{"clientCertificateData", test::certificate()}, {"clientKeyData", test::private_key()}};
  EXPECT_EQ(read(answer({{"token", "T"}})), "token T ");
  EXPECT_EQ(read(answer(pair)), test::certificate() + test::private_key());
  json both = pair;
  both["token"] = "T";
  EXPECT_EQ(read(answer(both)), "token T " + test::certificate() + test::private_key());
}

TEST(ExecAnswer, IsOfTheVersionThatWasAskedFor) {
  EXPECT_EQ(read(answer({{"token", "T"}}, kExecV1Beta1), kExecV1Beta1), "token T ");
  EXPECT_EQ(read(answer({{"token", "SENTINEL"}}, kExecV1Beta1)),
            "error: its answer is of apiVersion \"client.authentication.k8s.io/v1beta1\", and "
            "client.authentication.k8s.io/v1 was asked for");
}

TEST(ExecAnswer, MaySayWhenItExpires) {
  const auto expiring =
      parse_exec_credential(answer({{"token", "T"}, {"expirationTimestamp", "2026-07-01T12:00:00Z"}}), kExecV1);
  EXPECT_EQ(expiring->expires, std::chrono::sys_days(2026y / 7 / 1) + 12h);
  const auto lasting = parse_exec_credential(answer({{"token", "T"}, {"expirationTimestamp", nullptr}}), kExecV1);
  EXPECT_EQ(lasting->expires, std::nullopt);
}

TEST(ExecAnswer, ThatIsNoneIsAnErrorWithoutAWordOfIt) {
  const std::string cert = test::certificate();
  EXPECT_EQ(read("SENTINEL"), "error: its answer is not a JSON object");
  EXPECT_EQ(read(""), "error: its answer is not a JSON object");
  EXPECT_EQ(read("[1]"), "error: its answer is not a JSON object");
  EXPECT_EQ(read("{}"), "error: its answer is not of kind ExecCredential");
  EXPECT_EQ(read(R"({"kind":["SENTINEL"]})"), "error: its answer is not of kind ExecCredential");
  EXPECT_EQ(read(answer(nullptr)), "error: its answer has no status");
  EXPECT_EQ(read(answer({{"other", "SENTINEL"}})), "error: its answer has neither a token nor a client certificate");
  EXPECT_EQ(read(answer({{"token", 7}})), "error: the token of its answer is not text");
  EXPECT_EQ(read(answer({{"token", "SENTINEL\r\nX: y"}})),
            "error: the token of its answer holds a character that no token has");
  EXPECT_EQ(read(answer({{"token", "T"}, {"clientCertificateData", cert}})),
            "error: its answer has only one of clientCertificateData and clientKeyData");
  EXPECT_EQ(read(answer({{"clientCertificateData", "SENTINEL"}, {"clientKeyData", test::private_key()}})),
            "error: the clientCertificateData of its answer holds no certificate in PEM");
  EXPECT_EQ(read(answer({{"clientCertificateData", cert}, {"clientKeyData", "SENTINEL"}})),
            "error: the clientKeyData of its answer holds no private key in PEM");
  EXPECT_EQ(read(answer({{"token", "T"}, {"expirationTimestamp", "SENTINEL"}})),
            "error: the expirationTimestamp of its answer is no time as RFC 3339 has it");
}

TEST(ExecAnswer, MayBeNestedAsDeeplyAsItsBytesAllow) {
  EXPECT_EQ(read(std::string(1'000'000, '[')), "error: its answer is not a JSON object");
  EXPECT_EQ(read(R"({"kind":)" + std::string(400'000, '[') + std::string(400'000, ']') + "}"),
            "error: its answer is not of kind ExecCredential");
}

}  // namespace
}  // namespace shim::kubernetes
