#include "commands/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace shim::commands {
namespace {

using testing::HasSubstr;
using Command = CommandLine::Command;

class Words : public testing::Test {
 protected:
  std::variant<CommandLine, int> parse(std::vector<std::string> words) {
    words.insert(words.begin(), "image-cri-shim");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    auto result = parse_command_line(static_cast<int>(argv.size()), argv.data());
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return result;
  }
  CommandLine parsed(std::vector<std::string> words) {
    const auto result = parse(std::move(words));
    EXPECT_TRUE(std::holds_alternative<CommandLine>(result)) << err_;
    return std::get<CommandLine>(result);
  }
  int exit_code(std::vector<std::string> words) { return std::get<int>(parse(std::move(words))); }

  std::string out_;
  std::string err_;
};

TEST_F(Words, NoneServesWithTheDefaultFile) {
  const CommandLine line = parsed({});
  EXPECT_EQ(line.command, Command::serve);
  EXPECT_EQ(line.file, "");
}

TEST_F(Words, NameTheFile) {
  EXPECT_EQ(parsed({"-f", "a.yaml"}).file, "a.yaml");
  EXPECT_EQ(parsed({"--file", "a.yaml"}).file, "a.yaml");
  EXPECT_EQ(parsed({"--file=a.yaml"}).file, "a.yaml");
}

TEST_F(Words, NameTheFileBeforeOrAfterTheCommand) {
  for (const auto& words : {std::vector<std::string>{"-f", "a.yaml", "check"}, {"check", "-f", "a.yaml"}}) {
    const CommandLine line = parsed(words);
    EXPECT_EQ(line.command, Command::check);
    EXPECT_EQ(line.file, "a.yaml");
  }
}

TEST_F(Words, DryRunIsCheck) {
  EXPECT_EQ(parsed({"--dry-run"}).command, Command::check);
  EXPECT_EQ(parsed({"-f", "a.yaml", "--dry-run"}).file, "a.yaml");
}

TEST_F(Words, CheckMaySayItInJson) {
  EXPECT_TRUE(parsed({"check", "--json"}).as_json);
  EXPECT_FALSE(parsed({"check"}).as_json);
}

TEST_F(Words, ResolveAnImage) {
  const CommandLine line = parsed({"resolve", "nginx:1.25"});
  EXPECT_EQ(line.command, Command::resolve);
  EXPECT_EQ(line.image, "nginx:1.25");
  EXPECT_EQ(line.pod_namespace, "");
  EXPECT_EQ(line.admin, "");
  EXPECT_FALSE(line.as_json);
}

TEST_F(Words, ResolveAnImageWithOptionsInAnyPlace) {
  for (const auto& words :
       {std::vector<std::string>{"-f", "a.yaml", "resolve", "--namespace", "team", "--json", "--admin", "/s", "nginx"},
        {"resolve", "nginx", "-n", "team", "--admin=/s", "--json", "--file", "a.yaml"}}) {
    const CommandLine line = parsed(words);
    EXPECT_EQ(line.command, Command::resolve);
    EXPECT_EQ(line.file, "a.yaml");
    EXPECT_EQ(line.image, "nginx");
    EXPECT_EQ(line.pod_namespace, "team");
    EXPECT_EQ(line.admin, "/s");
    EXPECT_TRUE(line.as_json);
  }
}

TEST_F(Words, ResolveNeedsOneImage) {
  EXPECT_EQ(exit_code({"resolve"}), 2);
  EXPECT_EQ(exit_code({"resolve", "a", "b"}), 2);
  EXPECT_EQ(exit_code({"--json"}), 2) << "an option of resolve";
}

TEST_F(Words, ResolveExplainsItself) {
  EXPECT_EQ(exit_code({"resolve", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("Exit codes"));
  EXPECT_THAT(out_, HasSubstr("Examples"));
  EXPECT_THAT(out_, HasSubstr("--namespace"));
}

TEST_F(Words, PullAnImage) {
  const CommandLine line = parsed({"pull", "nginx", "-n", "team", "--creds", "robot", "--json", "--admin", "/s"});
  EXPECT_EQ(line.command, Command::pull);
  EXPECT_EQ(line.image, "nginx");
  EXPECT_EQ(line.pod_namespace, "team");
  EXPECT_EQ(line.username, "robot");
  EXPECT_EQ(line.admin, "/s");
  EXPECT_TRUE(line.as_json);
  EXPECT_EQ(exit_code({"pull"}), 2);
}

TEST_F(Words, CompletionsAndTheManualPageArePrintedAlone) {
  for (const auto& words :
       {std::vector<std::string>{"completion", "bash"}, {"completion", "zsh"}, {"completion", "fish"}, {"man"}}) {
    EXPECT_EQ(exit_code(words), 0);
    EXPECT_THAT(out_, HasSubstr("kubelet"));
    EXPECT_EQ(err_, "");
  }
  EXPECT_EQ(exit_code({"completion"}), 2);
  EXPECT_EQ(exit_code({"completion", "tcsh"}), 2);
}

TEST_F(Words, ShowTheConfiguration) {
  for (const auto& words : {std::vector<std::string>{"config", "show", "-f", "a.yaml", "--json", "--admin", "/s"},
                            {"-f", "a.yaml", "config", "show", "--admin=/s", "--json"}}) {
    const CommandLine line = parsed(words);
    EXPECT_EQ(line.command, Command::config_show);
    EXPECT_EQ(line.file, "a.yaml");
    EXPECT_EQ(line.admin, "/s");
    EXPECT_TRUE(line.as_json);
  }
}

TEST_F(Words, AskForTheStatus) {
  const CommandLine line = parsed({"status", "-f", "a.yaml", "--json", "--admin", "/s"});
  EXPECT_EQ(line.command, Command::status);
  EXPECT_EQ(line.file, "a.yaml");
  EXPECT_EQ(line.admin, "/s");
  EXPECT_TRUE(line.as_json);
  EXPECT_EQ(line.watch, std::nullopt);
}

TEST_F(Words, WatchTheStatus) {
  using std::chrono::milliseconds;
  EXPECT_EQ(parsed({"status", "--watch"}).watch, milliseconds(2000));
  EXPECT_EQ(parsed({"status", "--watch", "--json"}).watch, milliseconds(2000));
  EXPECT_EQ(parsed({"status", "--watch=500ms"}).watch, milliseconds(500));
  for (const std::string interval : {"x", "0", "1ms", "2h", "-1s"}) {
    EXPECT_EQ(exit_code({"status", "--watch=" + interval}), 2) << interval;
  }
}

TEST_F(Words, PrintTheReference) {
  EXPECT_EQ(parsed({"config", "reference"}).command, Command::config_reference);
}

TEST_F(Words, ConfigNeedsToKnowWhatFor) {
  EXPECT_EQ(exit_code({"config"}), 2);
  EXPECT_EQ(exit_code({"config", "nonsense"}), 2);
  EXPECT_EQ(exit_code({"config", "show", "--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("Exit codes"));
}

TEST_F(Words, SwitchTheKubelet) {
  const CommandLine line = parsed({"kubelet", "enable", "--dry-run", "--yes", "--config", "/c", "--timeout", "7"});
  EXPECT_EQ(line.command, Command::kubelet) << "its --dry-run is its own";
  EXPECT_EQ(line.kubelet.action, KubeletLine::Action::enable);
  EXPECT_TRUE(line.kubelet.is_dry_run);
  EXPECT_TRUE(line.kubelet.is_confirmed);
  EXPECT_EQ(line.kubelet.config, "/c");
  EXPECT_EQ(line.kubelet.timeout.count(), 7);
  EXPECT_EQ(parsed({"kubelet", "disable"}).kubelet.timeout.count(), 90);
  EXPECT_EQ(parsed({"kubelet", "status", "--json", "-f", "a.yaml"}).file, "a.yaml");
  EXPECT_EQ(exit_code({"kubelet"}), 2);
}

TEST_F(Words, VersionIsPrintedAlone) {
  for (const char* word : {"-v", "--version"}) {
    EXPECT_EQ(exit_code({word}), 0);
    EXPECT_EQ(out_, version_line() + "\n");
    EXPECT_EQ(err_, "");
  }
}

TEST_F(Words, HelpNamesTheCommandsAndExitCodes) {
  EXPECT_EQ(exit_code({"--help"}), 0);
  EXPECT_THAT(out_, HasSubstr("check"));
  EXPECT_THAT(out_, HasSubstr("Exit codes"));
}

TEST_F(Words, NotUnderstoodGiveTwoAndSayWhichOnStderr) {
  for (const std::string word : {"--nonsense", "-x", "nonsense"}) {
    EXPECT_EQ(exit_code({word}), 2) << word;
    EXPECT_EQ(out_, "");
    EXPECT_THAT(err_, HasSubstr(word));
  }
  EXPECT_EQ(exit_code({"check", "--nonsense"}), 2);
  EXPECT_EQ(exit_code({"--file"}), 2) << "without its value";
}

}  // namespace
}  // namespace shim::commands
