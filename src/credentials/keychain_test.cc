#include "credentials/keychain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <exception>
#include <optional>

#include "credentials/testing.h"

namespace shim::credentials {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class KeychainTest : public testing::Test {
 protected:
  using Question = Keychain::Question;

  KeychainTest() {
    options_.now = [this] { return now_; };
    options_.exec_timeout = 20s;
    const std::string path = folder_.path("") + ":" + (old_path_.empty() ? "/usr/bin:/bin" : old_path_);
    ::setenv("PATH", path.c_str(), 1);
  }
  ~KeychainTest() override { ::setenv("PATH", old_path_.c_str(), 1); }

  Keychain& keychain() {
    if (!keychain_) keychain_ = std::make_unique<Keychain>(workers_, options_);
    return *keychain_;
  }
  static Question about(std::string host, std::string repository = "team/app") {
    return {.configured = {}, .host = std::move(host), .repository = std::move(repository)};
  }
  // `user:password`, `token T`, `anonymous` or `error: …`.
  static std::string shown(const Expected<Credential>& found) {
    if (!found) {
      EXPECT_THAT(found.error().message, Not(HasSubstr("SENTINEL")));
      return "error: " + found.error().message;
    }
    if (found->is_anonymous()) return "anonymous";
    if (!found->identity_token.empty()) return "token " + std::string(found->identity_token.reveal());
    return found->username + ":" + std::string(found->password.reveal());
  }
  Expected<Credential> credential(const Question& question, Keychain::TimePoint deadline = Keychain::TimePoint::max()) {
    Expected<Credential> result;
    asio::co_spawn(io_, keychain().find(question, deadline), [&](std::exception_ptr error, Expected<Credential> found) {
      EXPECT_FALSE(error);
      result = std::move(found);
      io_.stop();
    });
    io_.restart();
    io_.run();
    return result;
  }
  std::string find(const Question& question) { return shown(credential(question)); }

  // A plugin that counts its runs in the file `runs`.
  void plugin(const std::string& name, const std::string& key_type, const std::string& rest = "") {
    folder_.program(name, "echo run >> " + folder_.path("runs") + "\n" + "cat > " + folder_.path("request") + "\ncat " +
                              folder_.path(name + ".answer"));
    folder_.write(name + ".answer",
                  R"({"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1",)"
                  R"("cacheKeyType":")" +
                      key_type + "\"" + rest + R"(,"auth":{"*.test":{"username":")" + name +
                      R"(","password":"SENTINEL-p"}}})");
  }
  void plugin_config(std::vector<std::string> names) {
    std::string text = "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n";
    for (const std::string& name : names) {
      text += "- {name: " + name +
              ", matchImages: ['*.test'], defaultCacheDuration: 1h, apiVersion: "
              "credentialprovider.kubelet.k8s.io/v1, env: [{name: KEY, value: SENTINEL-key}]}\n";
    }
    options_.plugin_config = folder_.write("plugins.yaml", text);
    options_.plugin_bin_dir = folder_.path("");
  }
  long runs() const {
    const std::string all = folder_.read("runs");
    return std::count(all.begin(), all.end(), '\n');
  }

  const std::string old_path_ = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  test::Folder folder_;
  asio::io_context io_{1};
  WorkerPool workers_{8};
  Keychain::Options options_;
  Keychain::TimePoint now_ = Keychain::TimePoint() + 1h;
  std::unique_ptr<Keychain> keychain_;
};

TEST_F(KeychainTest, TakesTheEntrysOwnAuthFirst) {
  options_.docker_config = {
      folder_.write("config.json", R"({"auths":{"a.test":{"username":"docker","password":"p"}}})")};
  Question question = about("a.test");
  EXPECT_EQ(find(question), "docker:p");
  question.configured = Credential{.username = "own", .password = Secret("o")};
  EXPECT_EQ(find(question), "own:o");
  question.configured = Credential();
  EXPECT_EQ(find(question), "anonymous") << "auth: \"\" is final";
}

TEST_F(KeychainTest, IsAnonymousWhereNoSourceHasAnAnswer) {
  EXPECT_EQ(find(about("a.test")), "anonymous");
}

TEST_F(KeychainTest, ReadsAPasswordFileAndNoticesThatItChanged) {
  Question question = about("a.test");
  question.configured = Credential{.username = "u", .password_file = folder_.write("password", "old\n")};
  EXPECT_EQ(find(question), "u:old");
  EXPECT_EQ(find(question), "u:old");
  folder_.write("password", "new\n");  // as long, and maybe in the same tick of the clock
  EXPECT_EQ(find(question), "u:new");
}

TEST_F(KeychainTest, FollowsTheLinkOfAKubernetesSecret) {
  std::filesystem::create_directory(folder_.path("..1"));
  std::filesystem::create_directory(folder_.path("..2"));
  Question question = about("a.test");
  folder_.write("..1/password", "old");
  folder_.write("..2/password", "new");
  std::filesystem::create_symlink("..1", folder_.path("..data"));
  std::filesystem::create_symlink("..data/password", folder_.path("password"));
  question.configured = Credential{.username = "u", .password_file = folder_.path("password")};
  EXPECT_EQ(find(question), "u:old");
  std::filesystem::create_symlink("..2", folder_.path("..data_tmp"));
  std::filesystem::rename(folder_.path("..data_tmp"), folder_.path("..data"));
  EXPECT_EQ(find(question), "u:new");
}

TEST_F(KeychainTest, SaysWhichPasswordFileCannotBeRead) {
  Question question = about("a.test");
  question.configured = Credential{.username = "u", .password_file = folder_.path("missing")};
  EXPECT_THAT(find(question), AllOf(HasSubstr("error: password file: "), HasSubstr("missing does not exist")));
  ASSERT_EQ(::mkfifo(folder_.path("fifo").c_str(), 0600), 0);
  question.configured->password_file = folder_.path("fifo");
  EXPECT_THAT(find(question), HasSubstr("a FIFO"));
  question.configured->password_file = folder_.write("large", std::string(64 * 1024 + 1, 'x'));
  EXPECT_THAT(find(question), HasSubstr("error: password file: "));
}

TEST_F(KeychainTest, LeavesOutADockerConfigThatDoesNotExistYet) {
  options_.docker_config = {folder_.path("config.json")};
  EXPECT_EQ(find(about("a.test")), "anonymous");
  folder_.write("config.json", R"({"auths":{"a.test":{"username":"docker","password":"p"}}})");
  EXPECT_EQ(find(about("a.test")), "docker:p");
}

TEST_F(KeychainTest, DoesNotTurnABrokenDockerConfigIntoAnonymousAccess) {
  options_.docker_config = {folder_.write("config.json", R"({"auths": {"a.test": "SENTINEL)")};
  EXPECT_THAT(find(about("a.test")), AllOf(HasSubstr("error: "), HasSubstr("config.json: not a JSON object")));
}

TEST_F(KeychainTest, GoesOnToTheNextSourceWhereOneFails) {
  options_.docker_config = {
      folder_.write("broken.json", "{"),
      folder_.write("config.json", R"({"auths":{"a.test":{"username":"docker","password":"p"}}})")};
  EXPECT_EQ(find(about("a.test")), "docker:p");
}

TEST_F(KeychainTest, AsksDockersHelper) {
  folder_.program("docker-credential-fake",
                  "read server; [ \"$1\" = get ] || exit 9\n"
                  "echo run >> " +
                      folder_.path("runs") +
                      "\n"
                      "echo '{\"ServerURL\":\"x\",\"Username\":\"<token>\",\"Secret\":\"'$server'\"}'");
  options_.docker_config = {folder_.write("config.json", R"({"credHelpers":{"docker.io":"fake"}})")};
  EXPECT_EQ(find(about("docker.io")), "token https://index.docker.io/v1/");
  EXPECT_EQ(find(about("docker.io", "another")), "token https://index.docker.io/v1/");
  EXPECT_EQ(runs(), 1) << "kept for a minute";
  now_ += 61s;
  find(about("docker.io"));
  EXPECT_EQ(runs(), 2);
  keychain().refused(about("docker.io"), *credential(about("docker.io")));
  find(about("docker.io"));
  EXPECT_EQ(runs(), 3) << "a refused answer is not given again";
  EXPECT_EQ(find(about("a.test")), "anonymous") << "another host's helper is not asked";
}

TEST_F(KeychainTest, TakesAuthsWhereTheHelperHasNothing) {
  folder_.program("docker-credential-fake", "echo credentials not found in native keychain; exit 1");
  options_.docker_config = {
      folder_.write("config.json", R"({"credsStore":"fake","auths":{"a.test":{"username":"docker","password":"p"}}})")};
  EXPECT_EQ(find(about("a.test")), "docker:p");
  EXPECT_EQ(find(about("b.test")), "anonymous");
}

TEST_F(KeychainTest, SaysWhyAHelperFailed) {
  options_.docker_config = {folder_.write("config.json", R"({"credsStore":"fake"})")};
  EXPECT_THAT(find(about("a.test")), AllOf(HasSubstr("config.json: docker-credential-fake is not in the shim's PATH")));
  folder_.program("docker-credential-fake", "echo SENTINEL-output; echo 'keyring is locked' >&2; exit 1");
  EXPECT_THAT(find(about("a.test")), HasSubstr("docker-credential-fake: exit status 1: keyring is locked"));
  folder_.program("docker-credential-fake", "echo SENTINEL-garbage");
  EXPECT_THAT(find(about("a.test")), HasSubstr("docker-credential-fake: its answer is not"));
}

TEST_F(KeychainTest, AsksAKubeletPluginWithItsRequestAndEnvironment) {
  plugin("p", "Image");
  plugin_config({"p"});
  EXPECT_EQ(find(about("a.test")), "p:SENTINEL-p");
  EXPECT_THAT(folder_.read("request"), HasSubstr(R"("image":"a.test/team/app")"));
  EXPECT_EQ(find(about("docker.io")), "anonymous") << "not of its images";
  EXPECT_EQ(runs(), 1);
}

TEST_F(KeychainTest, KeepsAPluginsAnswerForWhatItSaysAndAsLong) {
  struct {
    const char* type;
    const char* rest;
    std::vector<long> runs;  // after: the image, again, another image, another registry, 2 hours later
  } const cases[] = {
      {"Image", "", {1, 1, 2, 3, 4}},
      {"Registry", "", {1, 1, 1, 2, 3}},
      {"Global", "", {1, 1, 1, 1, 2}},
      {"Global", R"(,"cacheDuration":"3h")", {1, 1, 1, 1, 1}},
      {"Global", R"(,"cacheDuration":"0s")", {1, 2, 3, 4, 5}},
  };
  for (const auto& [type, rest, expected] : cases) {
    keychain_.reset();
    folder_.write("runs", "");
    plugin("p", type, rest);
    plugin_config({"p"});
    std::vector<long> seen;
    const auto ask = [&](const char* host, const char* repository) {
      find(about(host, repository));
      seen.push_back(runs());
    };
    ask("a.test", "team/app");
    ask("a.test", "team/app");
    ask("a.test", "team/web");
    ask("b.test", "team/app");
    now_ += 2h;
    ask("a.test", "team/app");
    EXPECT_EQ(seen, expected) << type << rest;
  }
}

TEST_F(KeychainTest, AsksAgainForACredentialThatWasRefused) {
  plugin("p", "Global");
  plugin_config({"p"});
  const auto refused = credential(about("a.test"));
  find(about("a.test"));
  EXPECT_EQ(runs(), 1);
  keychain().refused(about("a.test"), *refused);
  find(about("a.test"));
  EXPECT_EQ(runs(), 2);
  keychain().refused(about("a.test"), Credential{.username = "another", .password = Secret("x")});
  find(about("a.test"));
  EXPECT_EQ(runs(), 2) << "what is kept was not refused";
}

TEST_F(KeychainTest, TakesOverWhatTheSameSourcesKnow) {
  plugin_config({"first"});
  plugin("first", "Registry");
  EXPECT_EQ(find(about("a.test")), "first:SENTINEL-p");
  const std::unique_ptr<Keychain> former = std::move(keychain_);
  options_.docker_config = {folder_.write("config.json", "{}")};
  keychain().take_over(*former);
  EXPECT_EQ(find(about("a.test")), "first:SENTINEL-p");
  EXPECT_EQ(runs(), 1);
  EXPECT_FALSE(keychain().has_same_sources(*former)) << "another file may answer first";
}

TEST_F(KeychainTest, TakesNothingOverFromOtherSources) {
  plugin_config({"first"});
  plugin("first", "Registry");
  EXPECT_EQ(find(about("a.test")), "first:SENTINEL-p");
  const std::unique_ptr<Keychain> former = std::move(keychain_);
  options_.plugin_bin_dir += "/.";
  keychain().take_over(*former);
  EXPECT_EQ(find(about("a.test")), "first:SENTINEL-p");
  EXPECT_EQ(runs(), 2);
}

TEST_F(KeychainTest, AsksPluginsInTheirOrderUntilOneAnswers) {
  plugin("first", "Image");
  folder_.write("first.answer",
                R"({"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1",)"
                R"("cacheKeyType":"Image","auth":{}})");
  plugin("second", "Image");
  plugin_config({"first", "second"});
  EXPECT_EQ(find(about("a.test")), "second:SENTINEL-p");
  folder_.program("first", "exit 1");
  keychain_.reset();
  EXPECT_EQ(find(about("a.test")), "second:SENTINEL-p") << "one that fails is passed over";
}

TEST_F(KeychainTest, SaysWhyAPluginFailedWithoutItsSecrets) {
  plugin_config({"p"});
  EXPECT_THAT(find(about("a.test")),
              AllOf(HasSubstr("credential plugin p cannot be started"), HasSubstr("No such file")));
  folder_.program("p", "echo SENTINEL-output; echo \"bad key $KEY\" >&2; exit 2");
  EXPECT_THAT(find(about("a.test")), HasSubstr("credential plugin p: exit status 2: bad key ***"));
  folder_.program("p", "echo SENTINEL-output");
  EXPECT_THAT(find(about("a.test")), HasSubstr("credential plugin p: its answer is not a JSON object"));
}

TEST_F(KeychainTest, SaysThatThePluginsFileIsMissing) {
  options_.plugin_config = folder_.path("missing.yaml");
  options_.plugin_bin_dir = folder_.path("");
  EXPECT_THAT(find(about("a.test")), HasSubstr("missing.yaml does not exist"));
}

TEST_F(KeychainTest, AsksOnceForAllWhoWantTheSame) {
  plugin("p", "Image", R"(,"cacheDuration":"0s")");
  plugin_config({"p"});
  int answers = 0;
  for (int i = 0; i < 200; ++i) {
    asio::co_spawn(io_, keychain().find(about("a.test"), Keychain::TimePoint::max()),
                   [&](std::exception_ptr, const Expected<Credential>& found) {
                     answers += shown(found) == "p:SENTINEL-p" ? 1 : 0;
                     if (answers == 200) io_.stop();
                   });
  }
  io_.run();
  EXPECT_EQ(answers, 200);
  EXPECT_EQ(runs(), 1);
}

TEST_F(KeychainTest, RunsAFewProgramsAtOnceAndThoseWhoWaitedUseTheAnswer) {
  plugin("p", "Global");
  plugin_config({"p"});
  int answers = 0;
  for (int i = 0; i < 50; ++i) {
    asio::co_spawn(io_, keychain().find(about("a.test", "app" + std::to_string(i)), Keychain::TimePoint::max()),
                   [&](std::exception_ptr, const Expected<Credential>& found) {
                     EXPECT_TRUE(found);
                     if (++answers == 50) io_.stop();
                   });
  }
  io_.run();
  EXPECT_LE(runs(), 4);
}

TEST_F(KeychainTest, DoesNotKeepWaitersPastTheirDeadlineAndUsesTheLateAnswer) {
  ASSERT_EQ(::mkfifo(folder_.path("gate").c_str(), 0600), 0);
  plugin("p", "Global");
  const std::string answer = folder_.path("p.answer");
  folder_.program("p",
                  "echo run >> " + folder_.path("runs") + "; read x < " + folder_.path("gate") + "; cat " + answer);
  plugin_config({"p"});
  EXPECT_THAT(shown(credential(about("a.test"), Keychain::TimePoint::clock::now() + 50ms)), HasSubstr("error: "));
  std::ofstream(folder_.path("gate")) << "go\n";
  EXPECT_EQ(find(about("a.test")), "p:SENTINEL-p");
  EXPECT_LE(runs(), 1);
}

TEST_F(KeychainTest, ProblemsAreToldWithTheirFiles) {
  plugin_config({"p", "a/b"});
  options_.docker_config = {folder_.path("missing.json"), folder_.write("broken.json", "{")};
  EXPECT_THAT(problems_of(options_), ElementsAre(HasSubstr("missing.json"), HasSubstr("broken.json: not a JSON object"),
                                                 HasSubstr("plugins.yaml:5: providers[1].name: ")));
  options_.docker_config.clear();
  plugin_config({"p"});
  EXPECT_THAT(problems_of(options_), ElementsAre(HasSubstr("the executable of plugin \"p\" is missing")));
  folder_.program("p", "");
  EXPECT_THAT(problems_of(options_), ElementsAre());
}

}  // namespace
}  // namespace shim::credentials
