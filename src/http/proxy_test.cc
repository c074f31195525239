#include "http/proxy.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

namespace shim::http {
namespace {

class Proxy : public testing::Test {
 protected:
  void SetUp() override {
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (const char* value = std::getenv(kNames[i])) before_[i] = value;
      unsetenv(kNames[i]);
    }
  }
  void TearDown() override {
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (before_[i])
        setenv(kNames[i], before_[i]->c_str(), 1);
      else
        unsetenv(kNames[i]);
    }
  }
  static std::optional<std::string> of(const char* url) { return proxy_override(Url::parse(url).value()); }

  static constexpr std::array<const char*, 3> kNames{"http_proxy", "HTTP_PROXY", "REQUEST_METHOD"};
  std::array<std::optional<std::string>, 3> before_;
};

TEST_F(Proxy, OfTheEnvironmentIsLeftToLibcurl) {
  EXPECT_FALSE(of("http://sealos.hub:5000/"));
  EXPECT_FALSE(of("https://harbor.local/"));
}

TEST_F(Proxy, InUpperCaseCountsForHttp) {
  setenv("HTTP_PROXY", "http://proxy.test:3128", 1);
  EXPECT_EQ(of("http://sealos.hub:5000/"), "http://proxy.test:3128");
  EXPECT_FALSE(of("https://harbor.local/"));
}

TEST_F(Proxy, InLowerCaseWins) {
  setenv("HTTP_PROXY", "http://proxy.test:3128", 1);
  setenv("http_proxy", "http://other.test:3128", 1);
  EXPECT_FALSE(of("http://sealos.hub:5000/"));
}

TEST_F(Proxy, IsNotUsedForThisMachine) {
  setenv("HTTP_PROXY", "http://proxy.test:3128", 1);
  for (const char* url : {"http://localhost:5000/", "http://127.0.0.1/", "https://[::1]/"})
    EXPECT_EQ(of(url), "") << url;
}

}  // namespace
}  // namespace shim::http
