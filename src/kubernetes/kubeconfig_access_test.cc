#include "kubernetes/kubeconfig_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <functional>
#include <map>

#include "credentials/testing.h"
#include "kubernetes/kubeconfig_testing.h"

namespace shim::kubernetes {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::base64;
using test::certificate;
using test::kubeconfig;
using test::private_key;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class KubeconfigAccessTest : public testing::Test {
 protected:
  KubeconfigAccessTest() {
    places_.kubeconfig = folder_.path("config");
    places_.service_account = folder_.path("sa");
    places_.environment = [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables_.find(std::string(name));
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    };
    options_.exec_timeout = 20s;
  }

  void config(const std::string& user, const std::string& cluster = "{server: 'https://api.test:6443'}") const {
    replace("config", kubeconfig(user, cluster));
  }
  // As who rotates a credential does it.
  void replace(const std::string& name, const std::string& content) const {
    folder_.write(name + ".new", content);
    std::filesystem::rename(folder_.path(name + ".new"), folder_.path(name));
  }
  Expected<std::shared_ptr<Access>> open() {
    auto opened = open_access(places_, workers_, options_);
    if (opened) access_ = *opened;
    return opened;
  }
  std::string open_error() {
    const auto opened = open();
    if (opened) return "";
    EXPECT_THAT(opened.error().message, Not(HasSubstr("SENTINEL")));
    return opened.error().message;
  }
  Expected<Login> login() {
    if (!access_) {
      const auto opened = open();
      if (!opened) return std::unexpected(opened.error());
    }
    auto login = test::run(io_, access_->login());
    if (!login) {
      EXPECT_THAT(login.error().message, Not(HasSubstr("SENTINEL")));
    }
    return login;
  }
  // The value of the `Authorization` field, `anonymous`, or `error: …`.
  std::string authorization() {
    const auto got = login();
    if (!got) return "error: " + got.error().message;
    return got->authorization ? std::string(got->authorization->reveal()) : "anonymous";
  }
  http::TlsOptions tls() {
    const auto got = login();
    EXPECT_TRUE(got) << got.error().message;
    return got ? got->tls : http::TlsOptions();
  }
  std::string token_file_user() const { return "{tokenFile: " + folder_.path("token") + "}"; }

  // An exec plugin that gives what the file `answer` holds, and counts its runs.
  std::string exec_user(const std::string& script = "", const std::string& more = "") const {
    folder_.program("plugin",
                    "echo run >> " + folder_.path("runs") + "\n" + script + "\ncat " + folder_.path("answer"));
    return "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Never" + more +
           "}}";
  }
  void answer(const std::string& status) const {
    folder_.write("answer", R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":)" +
                                status + "}");
  }
  long runs() const {
    const std::string all = folder_.read("runs");
    return std::count(all.begin(), all.end(), '\n');
  }
  void service_account() {
    places_.kubeconfig.clear();
    places_.files.clear();
    std::filesystem::create_directories(folder_.path("sa"));
    replace("sa/token", "SENTINEL-sa\n");
    replace("sa/ca.crt", certificate("ca"));
    variables_ = {{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
  }

  shim::test::Folder folder_;
  asio::io_context io_{1};
  WorkerPool workers_{4};
  Places places_;
  AccessOptions options_;
  std::map<std::string, std::string> variables_;
  std::shared_ptr<Access> access_;
};

TEST_F(KubeconfigAccessTest, LogsInWithAToken) {
  config("{token: T}");
  EXPECT_EQ(authorization(), "Bearer T");
  EXPECT_EQ(login()->server, "https://api.test:6443");
  EXPECT_EQ(login()->proxy, std::nullopt);
  EXPECT_EQ(access_->name(), folder_.path("config") + " (user u)");
}

TEST_F(KubeconfigAccessTest, LogsInWithAPassword) {
  config("{username: u, password: p}");
  EXPECT_EQ(authorization(), "Basic " + base64("u:p"));
}

TEST_F(KubeconfigAccessTest, LogsInAsNobody) {
  config("{}");
  EXPECT_EQ(authorization(), "anonymous");
}

TEST_F(KubeconfigAccessTest, LogsInWithAClientCertificate) {
  config("{client-certificate: c.pem, client-key-data: " + base64(private_key()) + "}",
         "{server: 'https://a', certificate-authority: ca.pem, tls-server-name: kubernetes, proxy-url: 'http://p:1'}");
  folder_.write("c.pem", certificate());
  folder_.write("ca.pem", "# the CA\n" + certificate("ca"));
  const auto got = login();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->tls.cert_data, certificate());
  EXPECT_EQ(got->tls.key_data.reveal(), private_key());
  EXPECT_EQ(got->tls.ca_data, certificate("ca"));
  EXPECT_EQ(got->tls.server_name, "kubernetes");
  EXPECT_FALSE(got->tls.insecure_skip_verify);
  EXPECT_EQ(got->tls.ca + got->tls.cert + got->tls.key, "") << "content, not paths";
  EXPECT_EQ(got->proxy, "http://p:1");
  EXPECT_EQ(got->authorization, std::nullopt);
}

TEST_F(KubeconfigAccessTest, KeepsTheKeyOfASharedFileOutOfTheCertificate) {
  config("{client-certificate: current.pem, client-key: current.pem}");
  folder_.write("current.pem", certificate() + private_key());
  EXPECT_EQ(tls().cert_data, certificate());
  EXPECT_EQ(tls().key_data.reveal(), private_key());
}

TEST_F(KubeconfigAccessTest, ActsAsAnother) {
  config("{token: T, as: jane, as-groups: [dev]}");
  EXPECT_EQ(login()->headers.find("Impersonate-User"), "jane");
  EXPECT_EQ(login()->headers.find("Impersonate-Group"), "dev");
}

TEST_F(KubeconfigAccessTest, SendsNothingSecretWithoutTls) {
  config("{token: SENTINEL, as: jane}", "{server: 'http://127.0.0.1:8001'}");
  EXPECT_EQ(authorization(), "anonymous");
  EXPECT_EQ(login()->headers.find("Impersonate-User"), "jane");
}

TEST_F(KubeconfigAccessTest, LogsInAsAServiceAccount) {
  service_account();
  EXPECT_EQ(authorization(), "Bearer SENTINEL-sa");
  EXPECT_EQ(login()->server, "https://[fd00::1]:443");
  EXPECT_EQ(tls().ca_data, certificate("ca"));
  EXPECT_EQ(access_->name(), "service account " + folder_.path("sa"));
}

TEST_F(KubeconfigAccessTest, TrustsTheSystemWhereAServiceAccountHasNoCa) {
  service_account();
  std::filesystem::remove(folder_.path("sa/ca.crt"));
  EXPECT_EQ(tls().ca_data, "");
  replace("sa/ca.crt", certificate("ca"));
  EXPECT_EQ(tls().ca_data, certificate("ca"));
}

TEST_F(KubeconfigAccessTest, MergesTheFilesOfTheVariable) {
  places_.kubeconfig.clear();
  variables_["KUBECONFIG"] = folder_.path("missing") + ":" + folder_.path("users") + ":" + folder_.path("config");
  folder_.write("users", "users: [{name: u, user: {token: first}}]");
  config("{token: second}");
  EXPECT_EQ(authorization(), "Bearer first");
  replace("missing", "users: [{name: u, user: {token: zeroth}}]");
  EXPECT_EQ(authorization(), "Bearer zeroth") << "a file that has come is seen";
}

TEST_F(KubeconfigAccessTest, SeesARotatedTokenFile) {
  config("{token: SENTINEL-inline, tokenFile: token}");
  replace("token", "first\n");
  EXPECT_EQ(authorization(), "Bearer first");
  replace("token", "other\n");
  EXPECT_EQ(authorization(), "Bearer other");
}

TEST_F(KubeconfigAccessTest, SeesASwappedLink) {
  std::filesystem::create_directories(folder_.path("v1"));
  std::filesystem::create_directories(folder_.path("v2"));
  folder_.write("v1/token", "first");
  folder_.write("v2/token", "other");
  std::filesystem::create_directory_symlink("v1", folder_.path("..data"));
  std::filesystem::create_symlink("..data/token", folder_.path("token"));
  config(token_file_user());
  EXPECT_EQ(authorization(), "Bearer first");
  std::filesystem::create_directory_symlink("v2", folder_.path("..data_tmp"));
  std::filesystem::rename(folder_.path("..data_tmp"), folder_.path("..data"));
  EXPECT_EQ(authorization(), "Bearer other");
}

TEST_F(KubeconfigAccessTest, SeesARotatedCertificate) {
  config("{client-certificate: current.pem, client-key: current.pem}");
  replace("current.pem", certificate("first") + private_key("first"));
  EXPECT_EQ(tls().cert_data, certificate("first"));
  replace("current.pem", certificate("other") + private_key("other"));
  EXPECT_EQ(tls().cert_data, certificate("other"));
  EXPECT_EQ(tls().key_data.reveal(), private_key("other"));
}

TEST_F(KubeconfigAccessTest, SeesARotatedCa) {
  config("{token: T}", "{server: 'https://a', certificate-authority: ca.pem}");
  replace("ca.pem", certificate("first"));
  EXPECT_EQ(tls().ca_data, certificate("first"));
  replace("ca.pem", certificate("first") + certificate("other"));
  EXPECT_EQ(tls().ca_data, certificate("first") + certificate("other"));
}

TEST_F(KubeconfigAccessTest, SeesAReplacedKubeconfig) {
  config("{token: first}");
  EXPECT_EQ(authorization(), "Bearer first");
  config("{token: other}", "{server: 'https://other'}");
  EXPECT_EQ(authorization(), "Bearer other");
  EXPECT_EQ(login()->server, "https://other");
}

TEST_F(KubeconfigAccessTest, SaysWhatIsWrongWithAReplacedKubeconfigUntilItIsMended) {
  config("{token: first}");
  EXPECT_EQ(authorization(), "Bearer first");
  config("{token: SENTINEL, client-key: k}");
  EXPECT_THAT(authorization(), HasSubstr("config:11: users[0].user.client-key: needs client-certificate"));
  std::filesystem::remove(folder_.path("config"));
  EXPECT_EQ(authorization(), "error: " + folder_.path("config") + " does not exist");
  config("{token: other}");
  EXPECT_EQ(authorization(), "Bearer other");
}

TEST_F(KubeconfigAccessTest, KeepsACredentialWhileItsFileIsBeingWritten) {
  config(token_file_user());
  replace("token", "first");
  EXPECT_EQ(authorization(), "Bearer first");
  replace("token", "");
  EXPECT_EQ(authorization(), "Bearer first");
  std::filesystem::remove(folder_.path("token"));
  EXPECT_EQ(authorization(), "Bearer first");
  replace("token", "other");
  EXPECT_EQ(authorization(), "Bearer other");
}

TEST_F(KubeconfigAccessTest, UsesNothingThatWasRefusedFromAFileThatIsGone) {
  config(token_file_user());
  replace("token", "SENTINEL-first");
  EXPECT_EQ(authorization(), "Bearer SENTINEL-first");
  std::filesystem::remove(folder_.path("token"));
  access_->refused();
  EXPECT_EQ(authorization(), "error: " + folder_.path("token") + " does not exist");
}

TEST_F(KubeconfigAccessTest, UsesTheInlineTokenWhereItsFileIsNotThere) {
  config("{token: inline, tokenFile: missing}");
  EXPECT_EQ(authorization(), "Bearer inline");
}

TEST_F(KubeconfigAccessTest, SaysWhichFileIsWrong) {
  config(token_file_user());
  EXPECT_EQ(open_error(), folder_.path("token") + " does not exist");
  replace("token", " \n");
  EXPECT_EQ(open_error(), folder_.path("token") + " is empty");
  replace("token", "SENTINEL with space");
  EXPECT_EQ(open_error(), folder_.path("token") + " holds a character that no token has");
  replace("token", std::string(2 << 20, 'x'));
  EXPECT_THAT(open_error(), AllOf(HasSubstr(folder_.path("token")), HasSubstr("larger than 1048576 bytes")));
  config("{client-certificate: c.pem, client-key: c.pem}");
  folder_.write("c.pem", "SENTINEL");
  EXPECT_EQ(open_error(), folder_.path("c.pem") + " holds no certificate in PEM");
  folder_.write("c.pem", certificate());
  EXPECT_EQ(open_error(), folder_.path("c.pem") + " holds no private key in PEM");
  config("{}", "{server: 'https://a', certificate-authority: ca.pem}");
  EXPECT_EQ(open_error(), folder_.path("ca.pem") + " does not exist");
}

TEST_F(KubeconfigAccessTest, IsAnErrorWhereTheFirstPlaceIsNotOfUse) {
  places_.kubeconfig.clear();
  places_.files = {folder_.path("admin.conf"), folder_.path("config")};
  config("{token: SENTINEL}");
  folder_.write("admin.conf", "current-context: x");
  EXPECT_EQ(open_error(), folder_.path("admin.conf") + ": current-context: there is no context \"x\"");
}

TEST_F(KubeconfigAccessTest, NeverWaitsForAFifoOrReadsAFolder) {
  ASSERT_EQ(::mkfifo(folder_.path("config").c_str(), 0600), 0);
  EXPECT_THAT(open_error(), AllOf(HasSubstr(folder_.path("config")), HasSubstr("a FIFO")));
  config(token_file_user());
  ASSERT_EQ(::mkfifo(folder_.path("token").c_str(), 0600), 0);
  EXPECT_THAT(open_error(), AllOf(HasSubstr(folder_.path("token")), HasSubstr("a FIFO")));
  std::filesystem::remove(folder_.path("token"));
  std::filesystem::create_directory(folder_.path("token"));
  EXPECT_THAT(open_error(), HasSubstr("a folder"));
}

TEST_F(KubeconfigAccessTest, LogsInWithWhatAnExecPluginSays) {
  config(exec_user());
  answer(R"({"token":"SENTINEL-exec"})");
  EXPECT_EQ(authorization(), "Bearer SENTINEL-exec");
  EXPECT_EQ(authorization(), "Bearer SENTINEL-exec");
  EXPECT_EQ(runs(), 1);
}

TEST_F(KubeconfigAccessTest, LogsInWithAnExecPluginsCertificate) {
  config(exec_user());
  answer(R"({"clientCertificateData":"-----BEGIN CERTIFICATE-----\nc\n-----END CERTIFICATE-----\n",)"
         R"("clientKeyData":"-----BEGIN PRIVATE KEY-----\nSENTINEL\n-----END PRIVATE KEY-----\n"})");
  EXPECT_EQ(tls().cert_data, certificate("c"));
  EXPECT_EQ(tls().key_data.reveal(), private_key("SENTINEL"));
  EXPECT_EQ(authorization(), "anonymous");
}

TEST_F(KubeconfigAccessTest, TellsAnExecPluginOfTheCluster) {
  config(exec_user("echo \"$KUBERNETES_EXEC_INFO\" > " + folder_.path("told"), ", provideClusterInfo: true"),
         "{server: 'https://a', certificate-authority: ca.pem}");
  folder_.write("ca.pem", certificate("ca"));
  answer(R"({"token":"T"})");
  EXPECT_EQ(authorization(), "Bearer T");
  EXPECT_THAT(folder_.read("told"), AllOf(HasSubstr(R"("server":"https://a")"), HasSubstr(base64(certificate("ca")))));
}

TEST_F(KubeconfigAccessTest, RunsAnExecPluginAgainOnceItWasRefused) {
  config(exec_user());
  answer(R"({"token":"first"})");
  EXPECT_EQ(authorization(), "Bearer first");
  answer(R"({"token":"other"})");
  access_->refused();
  EXPECT_EQ(authorization(), "Bearer other");
}

TEST_F(KubeconfigAccessTest, RunsAnExecPluginAgainWhereItsConfigurationChanged) {
  const std::string user = exec_user();
  config(user);
  answer(R"({"token":"first"})");
  EXPECT_EQ(authorization(), "Bearer first");
  answer(R"({"token":"other"})");
  config(user, "{server: 'https://moved'}");
  EXPECT_EQ(authorization(), "Bearer first") << "it is the same plugin, told the same";
  config(exec_user("", ", args: [b]"));
  EXPECT_EQ(authorization(), "Bearer other");
}

TEST_F(KubeconfigAccessTest, SaysWhichExecPluginFails) {
  config(exec_user("exit 4"));
  EXPECT_EQ(authorization(), "error: " + folder_.path("config") + " (user u): exec plugin plugin: exit status 4");
}

TEST_F(KubeconfigAccessTest, EndsAtOnceWhenItIsCancelled) {
  config(exec_user("while [ ! -e " + folder_.path("go") + " ]; do sleep 0.01; done"));
  answer(R"({"token":"T"})");
  ASSERT_TRUE(open());
  asio::cancellation_signal cancel;
  std::exception_ptr ended;
  asio::co_spawn(io_, access_->login(),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr error, Expected<Login>) {
                   ended = std::move(error);
                   io_.stop();
                 }));
  std::function<void()> cancel_while_it_runs = [&] {
    if (runs() == 1) return cancel.emit(asio::cancellation_type::terminal);
    asio::post(io_, cancel_while_it_runs);
  };
  asio::post(io_, cancel_while_it_runs);
  io_.run();
  EXPECT_TRUE(ended);
  folder_.write("go", "");
  EXPECT_EQ(authorization(), "Bearer T");
  EXPECT_EQ(runs(), 1) << "the run goes on, and its answer counts";
}

TEST_F(KubeconfigAccessTest, MayGoWhileALoginIsUnderWay) {
  config("{token: T}");
  ASSERT_TRUE(open());
  std::string got;
  asio::co_spawn(io_, access_->login(), [&](std::exception_ptr error, Expected<Login> login) {
    EXPECT_FALSE(error);
    got = login ? std::string(login->authorization->reveal()) : login.error().message;
  });
  access_.reset();
  io_.run();
  EXPECT_EQ(got, "Bearer T");
}

}  // namespace
}  // namespace shim::kubernetes
