#include "commands/command_syntax.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "commands/completion.h"
#include "commands/manual.h"

namespace shim::commands {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// A program with all that ours has.
class Program : public testing::Test {
 protected:
  Program() {
    app_.set_version_flag("-v,--version", "1");
    app_.add_option("-f,--file", text_, "Configuration file (YAML)")->type_name("FILE");
    app_.add_option("--secret", text_)->group("");
    CLI::App* config = app_.add_subcommand("config", "Look at the configuration");
    CLI::App* show = config->add_subcommand("show", "Print it. Then\nmore");
    show->add_flag("--json", is_set_, "JSON, alone");
    show->footer("\nProse.\n\nExamples:\n  program config show   what's in use\n");
    CLI::App* completion = app_.add_subcommand("completion", "Print a script");
    completion->add_option("SHELL", text_, "Which")->check(CLI::IsMember({"bash", "zsh"}));
    completion->add_option("--unit", text_, "A unit")->type_name("UNIT");
    app_.add_subcommand("man", "Hidden")->group("");
  }
  CommandSyntax syntax() const { return syntax_of(app_); }

  std::string text_;
  bool is_set_ = false;
  CLI::App app_{"Does it.\nAnd more.", "image-cri-shim"};
};

TEST_F(Program, HasItsCommandsWithoutWhatIsHidden) {
  std::vector<std::string> paths;
  const CommandSyntax program = syntax();
  for (const CommandAt& at : commands_in(program)) {
    std::string path;
    for (const std::string& name : at.path) path += "/" + name;
    paths.push_back(path);
  }
  EXPECT_THAT(paths, ElementsAre("", "/config", "/config/show", "/completion"));
  EXPECT_THAT(program.options, testing::Each(testing::Field(&OptionSyntax::names, Not(testing::Contains("--secret")))));
}

TEST_F(Program, HasOptionsWithTheirNamesAndValues) {
  const CommandSyntax program = syntax();
  const auto file = std::ranges::find(program.options, "FILE", &OptionSyntax::value);
  ASSERT_NE(file, program.options.end());
  EXPECT_THAT(file->names, ElementsAre("-f", "--file"));
  EXPECT_TRUE(file->wants_path());
}

TEST_F(Program, HasArgumentsWithTheirWords) {
  const CommandSyntax program = syntax();
  const auto& options = program.subcommands.at(1).options;
  const auto shell = std::ranges::find(options, true, &OptionSyntax::is_positional);
  ASSERT_NE(shell, options.end());
  EXPECT_THAT(shell->names, ElementsAre("SHELL"));
  EXPECT_THAT(shell->words, ElementsAre("bash", "zsh"));
}

TEST_F(Program, FlagsHaveNoValue) {
  const CommandSyntax program = syntax();
  const auto& options = program.subcommands.at(0).subcommands.at(0).options;
  const auto is_json = [](const OptionSyntax& option) { return option.names.back() == "--json"; };
  EXPECT_EQ(std::ranges::find_if(options, is_json)->value, "");
}

TEST(Summary, IsTheFirstClause) {
  EXPECT_EQ(summary_of("Print it. Then\nmore"), "Print it");
  EXPECT_EQ(summary_of("Say where\nand: how"), "Say where and");
}

TEST_F(Program, CompletionInBashKnowsEachCommandsWords) {
  const std::string script = completion_script(syntax(), Shell::bash);
  EXPECT_THAT(script, HasSubstr("    '/config') words='show "));
  EXPECT_THAT(script, HasSubstr("--json"));
  EXPECT_THAT(script, HasSubstr("bash zsh"));
  EXPECT_THAT(script, HasSubstr("    -f|--file) compopt"));
  EXPECT_THAT(script, HasSubstr("    --unit) return"));
}

TEST_F(Program, ManualPageHasAllSections) {
  const std::string page = manual_page(syntax(), "program 1");
  for (const char* section : {".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH COMMANDS", ".SS config show",
                              ".SS completion SHELL", "\\fB\\-\\-json\\fR"}) {
    EXPECT_THAT(page, HasSubstr(section));
  }
}

TEST_F(Program, ManualPageKeepsExamplesAsTheyAre) {
  EXPECT_THAT(manual_page(syntax(), "program 1"),
              HasSubstr(".PP\nProse.\n.PP\n.B Examples:\n.RS 4\n.nf\nprogram config show   what's in use\n.fi\n.RE\n"));
}

TEST(ManualPage, EscapesWhatRoffWouldTake) {
  const CommandSyntax program{.name = "p", .description = ".dot\n'quote\na\\b-c…"};
  EXPECT_THAT(manual_page(program, "p 1"), HasSubstr("\\&.dot\n\\&'quote\na\\eb\\-c\\[u2026]\n"));
}

}  // namespace
}  // namespace shim::commands
