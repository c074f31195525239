// Broken files of every kind: parse() answers, in bounded time, and its answer is consistent.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "config/print.h"
#include "config/testing.h"

namespace shim::config {
namespace {

const std::string valid = R"(shim: /var/run/image-cri-shim.sock
cri: unix:///run/containerd/containerd.sock
address: http://sealos.hub:5000
auth: admin:${PASSWORD:-passw0rd}
offline: {digestFallback: none, tls: {insecureSkipVerify: false}}
x-common: &common
  priority: 600
  match: [docker.io, "*.gcr.io", ghcr.io/org/*]
registries:
- <<: *common
  address: https://harbor.local/dockerhub
  auth: {username: robot, passwordFile: /etc/harbor.pw}
  rewrite: [{from: '^docker.io/(.*)$', to: 'hub/\1'}]
- address: "[fd00::1]:5000"   # IPv6
  auth: ""
  namespaces:
  - team-*
probe: {timeout: 2s, hedgeDelay: 150ms}
cache: {imageCacheSize: 1024}
log:
  format: text
)";

const std::string pieces[] = {"\n",    ": ",
                              "- ",    "[",
                              "]",     "{",
                              "}",     "&a ",
                              "*a",    "<<: ",
                              "${",    "}",
                              "'",     "\"",
                              "#",     "|\n",
                              ">\n",   "? ",
                              "! ",    "%YAML ",
                              "---\n", "...\n",
                              "\t",    "\\x",
                              "\xff",  ",",
                              "0",     "-1",
                              "99999", "~",
                              "@",     "registries: ",
                              "null",  std::string(1, '\0')};

class Mutation {
 public:
  explicit Mutation(unsigned int seed) : random_(seed) {}

  std::string of(std::string text) {
    for (std::size_t left = 1 + below(6); left > 0; --left) mutate(text);
    return text;
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  void mutate(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    switch (below(5)) {
      case 0:
        text.insert(at, pieces[below(std::size(pieces))]);
        break;
      case 1:
        text.erase(at, 1 + below(20));
        break;
      case 2:
        text.insert(at, text.substr(below(text.size() + 1), below(200)));
        break;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(random_());
        break;
      default:
        text.resize(at);
    }
  }

  std::mt19937 random_;
};

TEST(Robustness, mutated_files_never_crash_and_are_answered_consistently) {
  ASSERT_TRUE(testing::parse_text(valid).config.has_value());
  Mutation mutation(20240607);
  for (int round = 0; round < 4000; ++round) {
    const std::string text = mutation.of(valid);
    const ParseResult result = testing::parse_text(text);
    ASSERT_EQ(result.config.has_value(), testing::lines_of(result, Severity::error).empty()) << text;
    if (!result.config) continue;
    const ParseResult again = testing::parse_text(print(*result.config));
    ASSERT_TRUE(again.config.has_value()) << text << testing::everything_said(again) << print(*result.config);
    ASSERT_EQ(print(*again.config), print(*result.config)) << text;
  }
}

TEST(Robustness, large_hostile_files_are_answered) {
  const std::size_t size = 1024 * 1024;
  const auto repeated = [](std::string_view piece, std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += piece;
    return text;
  };
  for (const char* piece :
       {"[",    "{",       "- ", "? ", "a: ", "a:\n", "- a\n", "\"",       "'",     "&a ",       "*a ",    "!a ",
        "[[],", "{a: {},", "#",  "\n", "\t",  "|\n",  "%A\n",  "<<: {}\n", "[a]: ", "- - - -\n", " - a\n", "${a"}) {
    EXPECT_FALSE(testing::parse_text(repeated(piece, size)).config && std::string_view(piece) == "[") << piece;
  }
  testing::parse_text("registries: [" + repeated("{},", size) + "]");
  testing::parse_text("x-a: &a {b: 1}\nregistries: [" + repeated("*a,", size) + "]");
  testing::parse_text("x-a: &a {" + repeated("b: 1,", size / 2) + "}\nx-b: [" + repeated("{<<: *a},", size / 2) + "]");
  testing::parse_text("shim: " + repeated("a", size));
}

}  // namespace
}  // namespace shim::config
