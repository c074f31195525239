#include "credentials/program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "credentials/testing.h"

namespace shim::credentials {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class RunProgram : public testing::Test {
 protected:
  Expected<ProgramResult> run(const std::string& script, const std::string& input = {}) {
    program_.file = folder_.program("helper", script);
    program_.input = input;
    return run_program(program_, limits_);
  }
  std::string output(const std::string& script, const std::string& input = {}) {
    const auto result = run(script, input);
    return result ? std::string(result->output.reveal()) : "error: " + result.error().message;
  }
  // No child is left, not even a zombie.
  static bool has_children() { return ::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD; }
  void TearDown() override { EXPECT_FALSE(has_children()); }

  test::Folder folder_;
  Program program_{.file = {}, .environment = {{"PATH", "/usr/bin:/bin"}}};
  ProgramLimits limits_{.timeout = 20s};
};

TEST_F(RunProgram, GivesItsOutputItsComplaintAndItsStatus) {
  const auto result = run("echo answer; echo complaint >&2; exit 3");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_status, 3);
  EXPECT_EQ(result->output.reveal(), "answer\n");
  EXPECT_EQ(result->complaint, "complaint\n");
}

TEST_F(RunProgram, HandsOverInputAndArguments) {
  program_.arguments = {"get", "two words", ""};
  EXPECT_EQ(output("cat; printf '<%s>' \"$@\"", "sealos.hub:5000\n"), "sealos.hub:5000\n<get><two words><>");
}

TEST_F(RunProgram, DoesNotMindInputThatIsNotRead) {
  EXPECT_EQ(output("exec 0<&-; echo done", std::string(4 << 20, 'x')), "done\n");
}

TEST_F(RunProgram, HandsOverNoOtherVariables) {
  ASSERT_EQ(::setenv("SEALOS_PASSWORD", "SENTINEL-inherited", 1), 0);
  program_.environment = inherited_variables();
  program_.environment.emplace_back("AWS_REGION", "overridden");
  program_.environment.emplace_back("AWS_REGION", "eu-north-1");
  const std::string seen = output("env");
  ::unsetenv("SEALOS_PASSWORD");
  EXPECT_THAT(seen, AllOf(HasSubstr("AWS_REGION=eu-north-1\n"), HasSubstr("PATH="), Not(HasSubstr("overridden")),
                          Not(HasSubstr("SENTINEL"))));
}

TEST(InheritedVariables, HaveTheProxyAndNoCloudsKeys) {
  ASSERT_EQ(::setenv("HTTPS_PROXY", "http://proxy:3128", 1), 0);
  ASSERT_EQ(::setenv("AWS_SECRET_ACCESS_KEY", "SENTINEL", 1), 0);
  const Variables variables = inherited_variables();
  ::unsetenv("HTTPS_PROXY");
  ::unsetenv("AWS_SECRET_ACCESS_KEY");
  EXPECT_THAT(variables, Contains(testing::Pair("HTTPS_PROXY", "http://proxy:3128")));
  EXPECT_THAT(variables, Not(Contains(testing::Pair("AWS_SECRET_ACCESS_KEY", testing::_))));
}

TEST_F(RunProgram, HandsOverNoDescriptors) {
  const int leaked = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  ASSERT_GE(leaked, 0);
  const std::string seen =
      output("for fd in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && readlink /proc/$$/fd/$fd; done; exit 0");
  ::close(leaked);
  EXPECT_THAT(seen, Not(HasSubstr("/dev/null")));
}

TEST_F(RunProgram, HasNoSignalIgnored) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);  // as the daemon does
  const std::string mask = output("sed -n 's/^SigIgn:[^0-9a-f]*//p' /proc/self/status");
  std::signal(SIGPIPE, before);
  constexpr unsigned long long kBelowTheLibrarys = 0x7fffffff;  // glibc keeps 32 and 33 for itself
  EXPECT_EQ(std::stoull(mask, nullptr, 16) & kBelowTheLibrarys, 0U) << mask;
}

TEST_F(RunProgram, KillsOneThatTakesTooLong) {
  limits_.timeout = 100ms;
  EXPECT_THAT(output("sleep 1000 & sleep 1000"),
              AllOf(HasSubstr("helper took longer than 100ms"), HasSubstr("killed")));
}

TEST_F(RunProgram, KillsOneThatIgnoresSignals) {
  limits_.timeout = 100ms;
  EXPECT_THAT(output("trap '' TERM HUP INT; while :; do sleep 1000; done"), HasSubstr("took longer"));
}

TEST_F(RunProgram, KillsOneThatWritesWithoutEnd) {
  EXPECT_THAT(output("yes"), AllOf(StartsWith("error: "), HasSubstr("wrote more than 1Mi bytes")));
}

TEST_F(RunProgram, DropsComplaintsWithoutEnd) {
  const auto result = run("yes | head -c 1000000 >&2; echo done");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->output.reveal(), "done\n");
  EXPECT_EQ(result->complaint.size(), limits_.max_complaint_bytes);
}

TEST_F(RunProgram, DoesNotWaitForAChildThatKeepsItsOutputOpen) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(output("sleep 1000 & echo answer"), "answer\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, limits_.timeout / 2);
}

TEST_F(RunProgram, WaitsForOneThatClosedItsOutputs) {
  const auto result = run("exec >&- 2>&-; sleep 0.05; exit 7");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_status, 7);
}

TEST_F(RunProgram, SaysWhichSignalEndedIt) {
  EXPECT_THAT(output("kill -9 $$"), HasSubstr("killed by signal 9"));
}

TEST_F(RunProgram, ThatIsMissingIsAnErrorWithItsPath) {
  program_.file = folder_.path("missing");
  const auto result = run_program(program_, limits_);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, AllOf(HasSubstr(program_.file), HasSubstr("No such file")));
}

TEST_F(RunProgram, ThatIsMissingIsAnErrorWithWhatToDo) {
  program_.file = folder_.path("missing");
  program_.install_hint = "See\nhttps://example.test\x1b[2J";
  const auto result = run_program(program_, limits_);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, testing::EndsWith(R"(directory. See https://example.test\x1b[2J)"));
}

TEST_F(RunProgram, ThatIsNotExecutableIsAnError) {
  program_.file = folder_.write("data", "no program");
  const auto result = run_program(program_, limits_);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("Permission denied"));
}

TEST(Failure, ShowsTheFirstLineOfTheComplaintWithoutWhatItWasGiven) {
  const Program program{.file = "/opt/bin/ecr"};
  const Variables hidden = {{"AWS_SECRET_ACCESS_KEY", "SENTINEL-key"}, {"DEBUG", "1"}};
  const ProgramResult result{.exit_status = 1,
                             .output = Secret("SENTINEL-output"),
                             .complaint = "\nbad key SENTINEL-key\x1b[31m in region 1\nsecond line"};
  EXPECT_EQ(describe_failure(program, result, hidden), R"(ecr: exit status 1: bad key ***\x1b[31m in region 1)");
}

TEST(Failure, CutsALongComplaint) {
  const ProgramResult result{.exit_status = 2, .output = {}, .complaint = std::string(5000, 'x')};
  EXPECT_LT(describe_failure({.file = "a"}, result, {}).size(), 250U);
}

TEST(Failure, OfAProgramWithoutAWordIsItsStatus) {
  EXPECT_EQ(describe_failure({.file = "/a/b"}, {.exit_status = 9, .output = {}, .complaint = "\n \n"}, {}),
            "b: exit status 9");
}

}  // namespace
}  // namespace shim::credentials
