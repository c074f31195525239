// No diagnostic, no printed configuration and no log line shows a secret, wherever in the file it stands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/print.h"
#include "config/startup_lines.h"
#include "config/testing.h"

namespace shim::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string sentinel = "S3ntinel";

std::string everything_shown(const std::string& text) {
  const ParseResult result = testing::parse_text(text, {{"SECRET", sentinel}, {"PAIR", "admin:" + sentinel}});
  std::string shown = testing::everything_said(result);
  if (!result.config) return shown;
  shown += print(*result.config);
  for (const std::string& line : startup_lines(*result.config)) shown += line + "\n";
  for (const std::string& line : registry_lines(*result.config)) shown += line + "\n";
  return shown;
}

// What may stand behind `auth:`, right and wrong; @ stands for the secret.
const char* const auths[] = {
    "admin:@",
    "'admin:@'",
    "\"admin:@\"",
    "'@'",
    "':@'",
    "${PAIR}",
    "admin:${SECRET}",
    "admin:${NOT_SET:-@}",
    "'admin:@${'",
    "'admin:${@'",
    "'admin:${NOT_SET}@'",
    "'${admin:@}'",
    "\"admin:@\\n\"",
    "\"admin:@\\q\"",
    "*@",
    "&@",
    "!@",
    "!@ admin:@",
    "@",
    "[admin, '@']",
    "['admin:@']",
    "{'admin:@': x}",
    "{admin:@}",
    "{admin: '@'}",
    "{'@': '@'}",
    "{'@': 1, '@': 2}",
    "{username: admin, password: '@'}",
    "{username: admin, password: '${SECRET}'}",
    "{username: admin, password: '@', passwordFile: /a}",
    "{username: admin, password: '@', identityToken: '@'}",
    "{username: admin, password: ['@']}",
    "{username: admin, password: {'@': '@'}}",
    "{username: admin, password: '${@'}",
    "{username: admin, password: \"@\\n\"}",
    "{username: admin, password: '@', password: '@'}",
    "{username: admin, pasword: '@'}",
    "{username: 'admin:@', password: x}",
    "{username: ['@']}",
    "{password: '@'}",
    "{username: admin, passwordFile: '@'}",
    "{username: admin, passwordFile: ['@']}",
    "{username: admin, passwordFile: {'@': 1}}",
    "{identityToken: '@'}",
    "{username: admin, identityToken: '@'}",
    "{identityToken: ['@']}",
    "{identityToken: {'@': '@'}}",
    "{identityToken: \"@\\t\"}",
    "{<<: '@', username: x}",
    "{<<: ['@']}",
    "{['@']: 1}",
    "{{ @ }}:{{ @ }}",
    "|\n      admin:@",
    ">\n      admin:@\n      @",
};

std::string with_secret(std::string text) {
  for (std::size_t at; (at = text.find('@')) != std::string::npos;) text.replace(at, 1, sentinel);
  return text;
}

TEST(Secrets, of_the_offline_registry_are_never_shown) {
  for (const char* auth : auths) {
    const std::string text = "address: a.example\nauth: " + with_secret(auth) + "\n";
    EXPECT_THAT(everything_shown(text), Not(HasSubstr(sentinel))) << text;
  }
}

TEST(Secrets, of_registries_are_never_shown) {
  for (const char* auth : auths) {
    const std::string text = "registries:\n- address: a.example\n  auth: " + with_secret(auth) + "\n";
    EXPECT_THAT(everything_shown(text), Not(HasSubstr(sentinel))) << text;
  }
}

TEST(Secrets, whose_line_lacks_a_space_are_not_shown) {
  for (const char* text :
       {"auth:admin:@\n", "{auth:admin:@}\n", "{auth:admin:@: 1}\n", "address: a.example\nauth:admin:@\n",
        "registries:\n- auth:admin:@\n", "registries: ['admin:@']\n", "- admin:@\n", "admin:@\n"}) {
    EXPECT_THAT(everything_shown(with_secret(text)), Not(HasSubstr(sentinel))) << text;
  }
}

TEST(Secrets, in_an_address_are_not_shown) {
  const std::string text = "address: https://admin:" + sentinel + "@a.example\n";
  EXPECT_THAT(everything_shown(text), Not(HasSubstr(sentinel)));
}

TEST(Secrets, that_a_variable_brings_to_a_wrong_key_are_not_shown) {
  for (const char* text :
       {"timeout: ${SECRET}\n", "debug: ${SECRET}\n", "shim: ${SECRET}\n", "image: ${SECRET}\n", "version: ${SECRET}\n",
        "maxMessageSize: ${SECRET}\n", "address: 'a b${SECRET}'\n", "address: a.example\nofflinePriority: ${SECRET}\n",
        "address: a.example\noffline: {match: 'a b${SECRET}'}\n", "probe: {failureThreshold: '${SECRET}'}\n",
        "http: {address: '${SECRET}'}\n", "address: a.example\noffline: {namespaces: '${SECRET}'}\n"}) {
    EXPECT_THAT(everything_shown(text), Not(HasSubstr(sentinel))) << text;
  }
}

TEST(Secrets, are_shown_as_set) {
  const std::string shown = everything_shown("address: a.example\nauth: admin:" + sentinel + "\n");
  EXPECT_THAT(shown, HasSubstr("auth: {username: admin, password: (set)}"));
}

}  // namespace
}  // namespace shim::config
