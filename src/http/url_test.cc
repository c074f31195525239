#include "http/url.h"

#include <gtest/gtest.h>

#include "http/headers.h"

namespace shim::http {
namespace {

std::string resolved(const char* base, const char* location) {
  const auto url = Url::parse(base).value().resolve(location);
  return url ? url->text() : "error: " + url.error().message;
}

TEST(Url, KnowsItsParts) {
  const Url url = Url::parse("https://Registry.Example:5000/v2/?a=b#part").value();
  EXPECT_EQ(url.host(), "registry.example");
  EXPECT_EQ(url.port(), 5000);
  EXPECT_TRUE(url.is_secure());
  EXPECT_EQ(url.origin(), "https://registry.example:5000");
  EXPECT_EQ(url.text(), "https://Registry.Example:5000/v2/?a=b");
}

TEST(Url, HasTheDefaultPortOfItsScheme) {
  EXPECT_EQ(Url::parse("http://a/")->port(), 80);
  EXPECT_EQ(Url::parse("https://a")->port(), 443);
  EXPECT_EQ(Url::parse("https://a:/")->port(), 443);
}

TEST(Url, ReadsIpv6Addresses) {
  const Url url = Url::parse("http://[::1]:5000/").value();
  EXPECT_EQ(url.host(), "::1");
  EXPECT_EQ(url.origin(), "http://[::1]:5000");
  EXPECT_TRUE(url.is_loopback());
}

TEST(Url, RefusesWhatIsNoHttpUrl) {
  for (const char* text :
       {"", "a", "/v2/", "ftp://a/", "https://", "https:///x", "https://a:99999/", "https://a:0/", "https://a b/",
        "https://a/\r\nX: y", "https://user@a/", "javascript:alert(1)", "https:", "https:/10.0.0.1", "http:a//b"}) {
    EXPECT_FALSE(Url::parse(text)) << text;
  }
  EXPECT_FALSE(Url::parse("https://a/" + std::string(8192, 'x')));
}

TEST(Url, ResolvesLocations) {
  EXPECT_EQ(resolved("https://a/v2/x/manifests/1", "https://cdn.test/blob?sig=1"), "https://cdn.test/blob?sig=1");
  EXPECT_EQ(resolved("https://a:5000/v2/x/manifests/1", "/other"), "https://a:5000/other");
  EXPECT_EQ(resolved("https://a/v2/x/manifests/1", "2"), "https://a/v2/x/manifests/2");
  EXPECT_EQ(resolved("https://a/v2/", "//b/c"), "https://b/c");
}

TEST(Url, DoesNotShowAWrongLocation) {
  EXPECT_EQ(resolved("https://a/", "https://u:secret@b/"), "error: URL has a user name or password in it");
  EXPECT_TRUE(resolved("https://a/", "file:///etc/passwd").starts_with("error: "));
}

TEST(Url, EncodesParameters) {
  EXPECT_EQ(percent_encoded("repository:a/b:pull ü"), "repository%3Aa%2Fb%3Apull%20%C3%BC");
}

TEST(Headers, AreFoundWithoutCaseAndKeptWhenRepeated) {
  Headers headers;
  headers.add("WWW-Authenticate", "Basic");
  headers.add("www-authenticate", "Bearer");
  EXPECT_EQ(headers.find("Www-Authenticate"), "Basic");
  EXPECT_EQ(headers.all("WWW-AUTHENTICATE"), (std::vector<std::string_view>{"Basic", "Bearer"}));
  EXPECT_FALSE(headers.find("Location"));
}

TEST(UrlHost, ThatBeginsLikeAnAddressIsRead) {
  for (const char* text : {"https://10.0.0.5.nip.io/v2/a", "https://10.0.0.5.NIP.io:443/v2/a"}) {
    const auto url = Url::parse(text);
    ASSERT_TRUE(url) << text;
    EXPECT_EQ(url->host(), "10.0.0.5.nip.io");
    EXPECT_EQ(url->resolve("/v2/b")->origin(), "https://10.0.0.5.nip.io:443");
    EXPECT_EQ(url->resolve("../b?x=1")->origin(), "https://10.0.0.5.nip.io:443");
  }
  EXPECT_FALSE(Url::parse("http://127.0.0.1.evil.test/")->is_loopback());
  EXPECT_TRUE(Url::parse("http://127.0.0.1/")->is_loopback());
}

TEST(UrlHost, ThatIsNoneIsRefused) {
  for (const char* text : {"http://a:x/", "http://a:80x/", "http://a%0Ab/", "http://a%41/", "http://[::1]x/",
                           "http://[v1.a]/", "http://a:99999/", "http://127.0.0.1:80@evil.test/"})
    EXPECT_FALSE(Url::parse(text)) << text;
}

TEST(UrlLocation, IsResolvedAgainstThePath) {
  const Url url = Url::parse("https://harbor.local:8443/v2/a/manifests/1?x=1").value();
  EXPECT_EQ(url.resolve("2")->text(), "https://harbor.local:8443/v2/a/manifests/2");
  EXPECT_EQ(url.resolve("/b")->text(), "https://harbor.local:8443/b");
  EXPECT_EQ(url.resolve("?y=2")->text(), "https://harbor.local:8443/v2/a/manifests/1?y=2");
  EXPECT_EQ(url.resolve("//cdn.test/b")->text(), "https://cdn.test/b");
  EXPECT_EQ(url.resolve("http://cdn.test/b")->text(), "http://cdn.test/b");
}

}  // namespace
}  // namespace shim::http
