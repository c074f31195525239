#include "kubernetes/exec_plugin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "credentials/testing.h"
#include "kubernetes/kubeconfig_testing.h"

namespace shim::kubernetes {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ExecPluginTest : public testing::Test {
 protected:
  ExecPluginTest() {
    clocks_.wall = [this] { return wall_; };
    clocks_.steady = [this] { return steady_; };
    config_.api_version = kExecV1;
    runner_.limits.timeout = 20s;
  }

  // A plugin that counts its runs and gives the answer `answer`.
  void plugin(const std::string& script = "") {
    config_.command = folder_.program(
        "plugin", "echo run >> " + folder_.path("runs") + "\n" + script + "\ncat " + folder_.path("answer"));
  }
  void answer(const std::string& token, const std::string& more = "") const {
    folder_.write("answer", R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
                            R"("status":{"token":")" +
                                token + "\"" + more + "}}");
  }
  void expiring_answer(const std::string& token, const std::string& when) const {
    answer(token, R"(,"expirationTimestamp":")" + when + "\"");
  }
  ExecPlugin& subject() {
    if (!subject_) {
      subject_.emplace(config_, "{}", std::make_shared<credentials::ProgramRunner>(workers_, runner_), clocks_);
    }
    return *subject_;
  }
  // The token, or `error: …`.
  static std::string shown(const Expected<ExecCredential>& credential) {
    if (credential) return std::string(credential->token.reveal());
    EXPECT_THAT(credential.error().message, Not(HasSubstr("SENTINEL")));
    return "error: " + credential.error().message;
  }
  std::string token() { return shown(test::run(io_, subject().credential(ExecPlugin::TimePoint::max()))); }
  long runs() const {
    const std::string all = folder_.read("runs");
    return std::count(all.begin(), all.end(), '\n');
  }
  void pass(std::chrono::seconds time) {
    wall_ += time;
    steady_ += time;
  }

  shim::test::Folder folder_;
  asio::io_context io_{1};
  WorkerPool workers_{4};
  credentials::ProgramRunner::Options runner_;
  ExecConfig config_;
  Clocks clocks_;
  std::chrono::system_clock::time_point wall_ = std::chrono::sys_days(std::chrono::year(2026) / 7 / 1);
  std::chrono::steady_clock::time_point steady_{1h};
  std::optional<ExecPlugin> subject_;
};

TEST_F(ExecPluginTest, IsAskedOnceForAnAnswerThatDoesNotExpire) {
  plugin();
  answer("T");
  EXPECT_EQ(token(), "T");
  pass(24h * 300);
  EXPECT_EQ(token(), "T");
  EXPECT_EQ(runs(), 1);
}

TEST_F(ExecPluginTest, IsAskedAgainShortlyBeforeItsAnswerExpires) {
  plugin();
  expiring_answer("first", "2026-07-01T00:15:00Z");
  EXPECT_EQ(token(), "first");
  expiring_answer("second", "2026-07-01T00:30:00Z");
  pass(14min);
  EXPECT_EQ(token(), "first");
  pass(55s);
  EXPECT_EQ(token(), "second");
  EXPECT_EQ(runs(), 2);
}

TEST_F(ExecPluginTest, IsAskedAgainWhenTheClockOfTheCalendarWasSetBack) {
  plugin();
  expiring_answer("first", "2026-07-01T00:15:00Z");
  EXPECT_EQ(token(), "first");
  answer("second");
  wall_ -= 24h;
  steady_ += 16min;
  EXPECT_EQ(token(), "second");
}

TEST_F(ExecPluginTest, IsAskedAgainWhenTheMachineHasSlept) {
  plugin();
  expiring_answer("first", "2026-07-01T00:15:00Z");
  EXPECT_EQ(token(), "first");
  answer("second");
  wall_ += 16min;
  EXPECT_EQ(token(), "second");
}

TEST_F(ExecPluginTest, WhoseAnswerHasExpiredAlreadyIsAskedEachTime) {
  plugin();
  expiring_answer("old", "2020-01-01T00:00:00Z");
  EXPECT_EQ(token(), "old");
  EXPECT_EQ(token(), "old");
  EXPECT_EQ(runs(), 2);
}

TEST_F(ExecPluginTest, WhoseAnswerExpiresInTheFarFutureIsKept) {
  plugin();
  expiring_answer("T", "9999-12-31T23:59:59Z");
  EXPECT_EQ(token(), "T");
  pass(24h);
  EXPECT_EQ(token(), "T");
  EXPECT_EQ(runs(), 1);
}

TEST_F(ExecPluginTest, IsAskedAgainOnceItsAnswerWasRefused) {
  plugin();
  answer("first");
  EXPECT_EQ(token(), "first");
  answer("second");
  subject().refused();
  EXPECT_EQ(token(), "second");
}

TEST_F(ExecPluginTest, RunsOnceForAllWhoAskAtTheSameTime) {
  plugin();
  answer("T");
  int answers = 0;
  for (int i = 0; i < 10; ++i) {
    asio::co_spawn(io_, subject().credential(ExecPlugin::TimePoint::max()),
                   [&](std::exception_ptr error, Expected<ExecCredential> credential) {
                     EXPECT_FALSE(error);
                     EXPECT_EQ(shown(credential), "T");
                     ++answers;
                   });
  }
  io_.run();
  EXPECT_EQ(answers, 10);
  EXPECT_EQ(runs(), 1);
}

TEST_F(ExecPluginTest, IsToldWhatTheKubeconfigSays) {
  plugin("echo \"$1 $2 $AWS_PROFILE $KUBERNETES_EXEC_INFO [$SEALOS_PASSWORD]\" > " + folder_.path("told"));
  answer("T");
  config_.arguments = {"get-token", "x"};
  config_.environment = {{"AWS_PROFILE", "prod"}, {"KUBERNETES_EXEC_INFO", "overridden"}};
  ASSERT_EQ(::setenv("SEALOS_PASSWORD", "SENTINEL", 1), 0);
  EXPECT_EQ(token(), "T");
  ::unsetenv("SEALOS_PASSWORD");
  EXPECT_EQ(folder_.read("told"), "get-token x prod {} []\n");
}

TEST_F(ExecPluginTest, ThatIsMissingIsAnErrorWithItsHint) {
  config_.command = folder_.path("missing");
  config_.install_hint = "Install it with\n  apt install aws-iam-authenticator\x1b[31m";
  EXPECT_EQ(token(), "error: exec plugin missing cannot be started: " + folder_.path("missing") +
                         ": No such file or directory. Install it with   apt install "
                         "aws-iam-authenticator\\x1b[31m");
}

TEST_F(ExecPluginTest, ThatIsNotInPathIsAnErrorWithItsHint) {
  config_.command = "image-cri-shim-missing-plugin";
  config_.install_hint = "See https://example.test/install";
  EXPECT_THAT(token(), AllOf(HasSubstr("exec plugin image-cri-shim-missing-plugin is not in the shim's PATH"),
                             HasSubstr("). See https://example.test/install")));
}

TEST_F(ExecPluginTest, ThatFailsIsAnErrorWithItsComplaintAndNoSecretAndIsAskedAgain) {
  config_.environment = {{"CLIENT_SECRET", "SENTINEL-secret"}};
  plugin("[ -e " + folder_.path("good") + " ] || { echo SENTINEL; echo \"no login: $CLIENT_SECRET\" >&2; exit 3; }");
  answer("T");
  EXPECT_EQ(token(), "error: exec plugin plugin: exit status 3: no login: ***");
  folder_.write("good", "");
  EXPECT_EQ(token(), "T");
}

TEST_F(ExecPluginTest, ThatAnswersGarbageIsAnErrorWithoutIt) {
  plugin();
  folder_.write("answer", "token: SENTINEL");
  EXPECT_EQ(token(), "error: exec plugin plugin: its answer is not a JSON object");
}

TEST_F(ExecPluginTest, ThatWritesWithoutEndIsAnError) {
  plugin("yes SENTINEL");
  EXPECT_EQ(token(), "error: exec plugin plugin wrote more than 1Mi bytes and was killed");
}

TEST_F(ExecPluginTest, ThatHangsIsAnError) {
  runner_.limits.timeout = 50ms;
  plugin("sleep 1000");
  EXPECT_EQ(token(), "error: exec plugin plugin took longer than 50ms and was killed");
}

TEST_F(ExecPluginTest, IsNotWaitedForLongerThanTheCallerWants) {
  plugin("while [ ! -e " + folder_.path("go") + " ]; do sleep 0.01; done");
  answer("T");
  const auto credential = test::run(io_, subject().credential(std::chrono::steady_clock::now() + 20ms));
  EXPECT_EQ(shown(credential), "error: exec plugin " + config_.command + " has not answered in time");
  folder_.write("go", "");
  EXPECT_EQ(token(), "T");
  EXPECT_EQ(runs(), 1) << "the run goes on, and its answer counts";
}

}  // namespace
}  // namespace shim::kubernetes
