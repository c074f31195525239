#include "image/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace shim::image {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Row {
  std::string_view text, host, domain, prefix, api_url;
};

TEST(Address, ReadsWhatOperatorsWrite) {
  const std::vector<Row> rows = {
      {"http://sealos.hub:5000", "sealos.hub:5000", "sealos.hub", "", "http://sealos.hub:5000"},
      {"https://harbor.local/proxy", "harbor.local", "harbor.local", "proxy", "https://harbor.local"},
      {"https://harbor.local/a/b-c/", "harbor.local", "harbor.local", "a/b-c", "https://harbor.local"},
      {"harbor.local", "harbor.local", "harbor.local", "", "https://harbor.local"},
      {"harbor.local/", "harbor.local", "harbor.local", "", "https://harbor.local"},
      {"harbor.local:443", "harbor.local:443", "harbor.local", "", "https://harbor.local:443"},
      {"HTTPS://Harbor.Local", "harbor.local", "harbor.local", "", "https://harbor.local"},
      {"172.18.1.38:5000", "172.18.1.38:5000", "172.18.1.38", "", "https://172.18.1.38:5000"},
      {"docker.io", "docker.io", "index.docker.io", "", "https://registry-1.docker.io"},
      {"https://index.docker.io", "docker.io", "index.docker.io", "", "https://registry-1.docker.io"},
      {"https://index.docker.io/v1/", "docker.io", "index.docker.io", "", "https://registry-1.docker.io"},
      {"registry-1.docker.io", "docker.io", "index.docker.io", "", "https://registry-1.docker.io"},
      {"hub.docker.com", "hub.docker.com", "hub.docker.com", "", "https://hub.docker.com"},
      {"[fd00::1]:5000", "[fd00::1]:5000", "fd00::1", "", "https://[fd00::1]:5000"},
      {"http://[FD00::1]/p", "[fd00::1]", "fd00::1", "p", "http://[fd00::1]"},
      {"localhost:5000", "localhost:5000", "localhost", "", "http://localhost:5000"},
      {"127.0.0.1:5000", "127.0.0.1:5000", "127.0.0.1", "", "http://127.0.0.1:5000"},
      {"127.9.9.9", "127.9.9.9", "127.9.9.9", "", "http://127.9.9.9"},
      {"[::1]:5000", "[::1]:5000", "::1", "", "http://[::1]:5000"},
      {"https://localhost", "localhost", "localhost", "", "https://localhost"},
      {"127.example.com", "127.example.com", "127.example.com", "", "https://127.example.com"},
      {"http://registry", "registry:80", "registry", "", "http://registry:80"},
      {"registry", "registry:443", "registry", "", "https://registry:443"},
      {"registry:5000/p", "registry:5000", "registry", "p", "https://registry:5000"},
  };
  for (const Row& row : rows) {
    const auto address = Address::parse(row.text);
    ASSERT_TRUE(address) << row.text << ": " << address.error().message;
    EXPECT_EQ(address->text(), row.text);
    EXPECT_EQ(address->host(), row.host) << row.text;
    EXPECT_EQ(address->domain(), row.domain) << row.text;
    EXPECT_EQ(address->prefix(), row.prefix) << row.text;
    EXPECT_EQ(address->api_url(), row.api_url) << row.text;
    EXPECT_EQ(address->is_secure(), row.api_url.starts_with("https:")) << row.text;
  }
}

TEST(Address, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      "http://",
                                      "https:///path",
                                      "ftp://host.io",
                                      "unix:///run/x.sock",
                                      "://host.io",
                                      "host.io:",
                                      "host.io:0",
                                      "host.io:65536",
                                      "host.io:99999999999",
                                      "host.io:http",
                                      "host_name.io",
                                      "-host.io",
                                      "host..io",
                                      "host.io.",
                                      "host.io/Upper",
                                      "host.io/a//b",
                                      "host.io/a b",
                                      "host.io/../x",
                                      "host.io?x=1",
                                      "host.io#x",
                                      " host.io",
                                      "host.io\n",
                                      "[::1",
                                      "[::1]x",
                                      "[::g]",
                                      "[]",
                                      "::1",
                                      "hóst.io",
                                      "https://https://host.io",
                                      "*.host.io"}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
}

TEST(Address, SaysWhichRuleIsBroken) {
  EXPECT_EQ(Address::parse("ftp://host.io").error().message,
            "invalid registry address \"ftp://host.io\": the scheme must be http or https");
  EXPECT_EQ(Address::parse("host.io:70000").error().message,
            "invalid registry address \"host.io:70000\": the port must be 1 to 65535");
}

TEST(Address, NeverShowsAPassword) {
  const auto address = Address::parse("https://admin:passw0rd@harbor.local");
  ASSERT_FALSE(address);
  EXPECT_THAT(address.error().message, Not(HasSubstr("passw0rd")));
  EXPECT_THAT(address.error().message, HasSubstr("`auth`"));
}

TEST(Address, ComparesByWhereItPoints) {
  const auto at = [](std::string_view text) { return Address::parse(text).value(); };
  EXPECT_EQ(at("https://docker.io/"), at("index.docker.io"));
  EXPECT_EQ(at("https://h.io/p/"), at("h.io/p"));
  EXPECT_FALSE(at("http://h.io") == at("https://h.io"));
  EXPECT_FALSE(at("h.io/a") == at("h.io/b"));
}

TEST(Address, KnowsLoopback) {
  for (const std::string_view text :
       {"localhost", "localhost:1", "127.0.0.1", "127.1.2.3:5000", "[::1]", "[::1]:5000"}) {
    EXPECT_TRUE(Address::parse(text)->is_loopback()) << text;
  }
  for (const std::string_view text : {"h.io", "128.0.0.1", "127.evil.io", "localhost.evil.io", "[::2]"}) {
    EXPECT_FALSE(Address::parse(text)->is_loopback()) << text;
  }
}

TEST(PublicRegistry, IsOneThatServesTheInternetUnderItsOwnName) {
  for (const std::string_view host : {"docker.io", "ghcr.io", "quay.io", "gcr.io", "eu.gcr.io", "mirror.gcr.io",
                                      "k8s.gcr.io", "registry.k8s.io", "public.ecr.aws", "mcr.microsoft.com"}) {
    EXPECT_TRUE(is_public_registry(host)) << host;
  }
  for (const std::string_view host :
       {"sealos.hub", "evilgcr.io", "ghcr.io.evil.com", "123.dkr.ecr.aws.com", "localhost", ""}) {
    EXPECT_FALSE(is_public_registry(host)) << host;
  }
}

TEST(PublicRegistry, ServesItsOwnImagesAndTheMirrorThoseOfTheHub) {
  EXPECT_EQ(origin_of_public_registry("ghcr.io"), "ghcr.io");
  EXPECT_EQ(origin_of_public_registry("mirror.gcr.io"), "docker.io");
}

}  // namespace
}  // namespace shim::image
