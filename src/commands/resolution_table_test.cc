#include "commands/resolution_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"

namespace shim::commands {
namespace {

using namespace std::chrono_literals;
using registry::Explanation;
using registry::Outcome;
using testing::AllOf;
using testing::Each;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Le;
using testing::Not;
using testing::ResultOf;
using testing::StartsWith;

Explanation nginx() {
  Explanation explanation{.image = "nginx:1.25",
                          .canonical = "docker.io/library/nginx:1.25",
                          .pod_namespace = {},
                          .lines = {},
                          .warnings = {}};
  explanation.lines.push_back({.registry = "https://harbor.local",
                               .priority = 2000,
                               .name = "harbor.local/library/nginx:1.25",
                               .kind = Outcome::Kind::refused,
                               .reason = "401 Unauthorized: wrong password for user \"robot\"",
                               .answered_in = 12ms,
                               .circuit = Explanation::Circuit{},
                               .verdict = "gave no clear answer"});
  explanation.lines.push_back({.registry = "http://sealos.hub:5000",
                               .priority = 1000,
                               .is_offline = true,
                               .name = "sealos.hub:5000/library/nginx:1.25",
                               .kind = Outcome::Kind::holds,
                               .known_for = 125s,
                               .is_chosen = true,
                               .verdict = "chosen: the first that has it"});
  explanation.lines.push_back(
      {.registry = "docker.io", .is_original = true, .name = "nginx:1.25", .verdict = "tried last"});
  explanation.lines.push_back(
      {.registry = "https://quay.local", .priority = 500, .verdict = "match: quay.io does not cover it"});
  return explanation;
}

std::string table(const Explanation& explanation, Terminal terminal = {}) {
  return resolution_table(explanation, terminal);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The line of the table that has this in it.
std::string line_with(const std::string& text, const std::string& part) {
  for (const std::string& line : lines_of(text)) {
    if (line.find(part) != std::string::npos) return line;
  }
  return {};
}

TEST(AResolutionTable, IsReadAtAGlance) {
  EXPECT_EQ(
      table(nginx()),
      "nginx:1.25, that is docker.io/library/nginx:1.25\n"
      "\n"
      "  #  REGISTRY                          PRIORITY  FOUND                   WHY\n"
      "  1  https://harbor.local                  2000  refused, 12ms           "
      "401 Unauthorized: wrong password for user \"robot\"; gave no clear answer\n"
      "* 2  http://sealos.hub:5000 (offline)      1000  has it, known for 2m5s  chosen: the first that has it\n"
      "  3  docker.io (original)                     -  not asked               tried last\n"
      "  -  https://quay.local                     500  -                       match: quay.io does not cover it\n"
      "\n"
      "A pull begins with sealos.hub:5000/library/nginx:1.25\n");
}

TEST(AResolutionTable, NamesTheNamespaceOfThePod) {
  Explanation explanation = nginx();
  explanation.pod_namespace = "team-a";
  EXPECT_THAT(lines_of(table(explanation)).at(0), EndsWith("for a pod of namespace team-a"));
}

TEST(AResolutionTable, ShowsAnOpenCircuitOnceAndWhenItIsCheckedNext) {
  Explanation explanation = nginx();
  Explanation::Line& line = explanation.lines[0];
  line.kind = Outcome::Kind::unreachable;
  line.reason = "left out for 12s: connection refused; next check in 3s";
  line.answered_in.reset();
  line.circuit = Explanation::Circuit{true, "connection refused", 12'345ms, 3'210ms};
  const std::string shown = line_with(table(explanation), "harbor");
  EXPECT_THAT(shown, AllOf(HasSubstr("  left out  "),
                           HasSubstr("  connection refused (circuit open for 12s, next check in 3.2s); gave")));
}

TEST(AResolutionTable, ShowsWarnings) {
  Explanation explanation = nginx();
  explanation.warnings = {"the digest is given up"};
  EXPECT_THAT(table(explanation), EndsWith("warning: the digest is given up\n"));
}

TEST(AResolutionTable, SaysWhereNobodyIsSureToHaveIt) {
  Explanation explanation = nginx();
  explanation.lines[1].kind = Outcome::Kind::unreachable;
  EXPECT_THAT(table(explanation), HasSubstr("No registry says that it has the image; a pull begins with sealos.hub"));
  explanation.lines[1].is_chosen = false;
  explanation.lines[2].is_chosen = true;
  EXPECT_THAT(table(explanation), HasSubstr("the image's own registry, with nginx:1.25"));
  explanation.lines[2].is_chosen = false;
  EXPECT_THAT(table(explanation), HasSubstr("No source is left"));
}

TEST(AResolutionTable, HasColoursOnlyWhereTheTerminalHas) {
  EXPECT_THAT(table(nginx()), Not(HasSubstr("\x1b")));
  const std::string coloured = table(nginx(), {.has_colours = true});
  EXPECT_THAT(line_with(coloured, "sealos"), AllOf(StartsWith("\x1b[1;32m* 2"), EndsWith("\x1b[0m")));
  EXPECT_THAT(line_with(coloured, "harbor"), StartsWith("\x1b[31m"));
}

TEST(AResolutionTable, IsOneLineACandidateWhereNoTerminalIs) {
  Explanation explanation = nginx();
  explanation.lines[0].reason = std::string(500, 'x') + " " + std::string(500, 'y');
  EXPECT_THAT(line_with(table(explanation), "harbor"), HasSubstr("xxx yyy"));
}

TEST(AResolutionTable, WrapsReasonsAtTheTerminalsWidthAndCutsNothing) {
  Explanation explanation = nginx();
  explanation.lines[0].reason.clear();
  for (int i = 0; i < 60; ++i) explanation.lines[0].reason += "word" + std::to_string(i) + " ";
  const std::string text = table(explanation, {.columns = 120});
  EXPECT_THAT(lines_of(text), Each(ResultOf(columns, Le(120U))));
  for (int i = 0; i < 60; ++i) EXPECT_THAT(text, HasSubstr("word" + std::to_string(i)));
}

TEST(AResolutionTable, CutsNothingOnTheNarrowestTerminal) {
  const std::string text = table(nginx(), {.columns = 10});
  EXPECT_THAT(text, AllOf(HasSubstr("https://harbor.local"), HasSubstr("Unauthorized:"), HasSubstr("\"robot\"")));
}

TEST(AResolutionTable, AlignsWideCharacters) {
  Explanation explanation = nginx();
  explanation.lines[0].registry = "https://镜像.local";
  const std::string text = table(explanation);
  const auto column_of = [&](const std::string& part) {
    const std::string line = line_with(text, part);
    return columns(line.substr(0, line.find(part)));
  };
  EXPECT_EQ(column_of("refused, 12ms"), column_of("has it, known"));
}

TEST(AResolutionTable, LetsNobodyWriteToTheTerminal) {
  Explanation explanation = nginx();
  const std::string hostile = "\x1b]0;x\x07\n\r\u202e\u009b31m\xff";
  explanation.lines[0].registry = explanation.lines[0].reason = explanation.lines[0].verdict = hostile;
  explanation.lines[1].name = hostile;
  explanation.image = explanation.canonical = explanation.pod_namespace = hostile;
  explanation.warnings = {hostile};
  explanation.lines[0].circuit = Explanation::Circuit{.is_open = true, .reason = hostile};
  const std::string text = table(explanation);
  EXPECT_EQ(lines_of(text).size(), 10U) << text;
  for (const std::string part : {"\x1b", "\r", "\x07", "\u202e", "\u009b", "\xff"})
    EXPECT_THAT(text, Not(HasSubstr(part)));
}

TEST(ASource, IsARegistryThatHasTheImage) {
  EXPECT_TRUE(has_source(nginx()));
}

TEST(ASource, IsTheImagesOwnRegistry) {
  Explanation explanation = nginx();
  explanation.lines[1].kind = Outcome::Kind::absent;
  EXPECT_TRUE(has_source(explanation));
}

TEST(ASource, IsNobodyWhoIsDownOrRefuses) {
  Explanation explanation = nginx();
  explanation.lines[1].kind = Outcome::Kind::unreachable;
  explanation.lines[2].name.clear();  // `fallback: deny`
  EXPECT_FALSE(has_source(explanation));
}

}  // namespace
}  // namespace shim::commands
