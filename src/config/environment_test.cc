#include "config/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdlib.h>

#include "config/testing.h"

namespace shim::config {
namespace {

const Environment environment = testing::environment_of({{"NAME", "value"}, {"EMPTY", ""}, {"DOLLAR", "${NAME}"}});

std::string expanded(std::string_view text) {
  return expand(text, environment).value();
}

TEST(Expand, replaces_variables) {
  EXPECT_EQ(expanded("a ${NAME} b${NAME}"), "a value bvalue");
  EXPECT_EQ(expanded("${EMPTY}"), "");
}

TEST(Expand, uses_the_default_for_unset_and_empty) {
  EXPECT_EQ(expanded("${NAME:-x}${ABSENT:-a:-b}${EMPTY:-y}${ABSENT:-}"), "valuea:-by");
}

TEST(Expand, leaves_other_dollars_alone) {
  EXPECT_EQ(expanded("$ $$ $NAME pa$$word $"), "$ $$ $NAME pa$$word $");
}

TEST(Expand, reads_two_dollars_before_a_brace_as_a_literal) {
  EXPECT_EQ(expanded("$${NAME} $${"), "${NAME} ${");
  EXPECT_EQ(expanded("${EMPTY}$${NAME}"), "${NAME}");
}

TEST(Expand, does_not_expand_what_it_inserted) {
  EXPECT_EQ(expanded("${DOLLAR}"), "${NAME}");
  EXPECT_EQ(expanded("${DOLLAR}${NAME}"), "${NAME}value");
  const Environment ends_in_dollar = testing::environment_of({{"A", "x$"}, {"B", "y"}});
  EXPECT_EQ(expand("${A}${B}", ends_in_dollar).value(), "x$y");
}

TEST(Expand, names_the_variable_that_is_not_set) {
  EXPECT_EQ(expand("${ABSENT}", environment).error().message,
            "the environment variable ABSENT is not set (${ABSENT:-} allows that)");
}

TEST(Expand, refuses_what_is_no_variable) {
  for (const char* text : {"${", "${NAME", "${}", "${1A}", "${a b}", "${:-x}"}) {
    EXPECT_FALSE(expand(text, environment).has_value()) << text;
  }
}

TEST(EscapeVariables, is_undone_by_expand) {
  for (const char* text : {"", "${NAME}", "$${NAME}", "$$${", "a$", "$NAME {", "${"}) {
    EXPECT_EQ(expanded(escape_variables(text)), text);
  }
}

TEST(ProcessEnvironment, has_the_variables_of_the_process) {
  ASSERT_EQ(setenv("SHIM_CONFIG_TEST", "1", 1), 0);
  EXPECT_EQ(process_environment()("SHIM_CONFIG_TEST"), "1");
  EXPECT_FALSE(process_environment()("SHIM_CONFIG_TEST_ABSENT").has_value());
}

TEST(VariablesOf, names_with_and_without_a_default_but_no_literals) {
  using ::testing::ElementsAre;
  EXPECT_THAT(variables_of("a${B}c${D:-e}$${F}${G:-}"), ElementsAre("B", "D", "G"));
  EXPECT_THAT(variables_of("${A:-${B}}"), ElementsAre("A"));  // a default may not hold `}`
  EXPECT_THAT(variables_of("${A"), ElementsAre());
  EXPECT_THAT(variables_of("$A {B}"), ElementsAre());
}

}  // namespace
}  // namespace shim::config
