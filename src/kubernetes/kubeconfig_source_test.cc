#include "kubernetes/kubeconfig_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "credentials/testing.h"

namespace shim::kubernetes {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Every place exists, until a test takes it away.
class FindSource : public testing::Test {
 protected:
  FindSource() {
    std::filesystem::create_directories(folder_.path("sa"));
    std::filesystem::create_directories(folder_.path("home/.kube"));
    folder_.write("sa/token", "T");
    places_.service_account = folder_.path("sa");
    places_.files = {folder_.write("admin.conf", ""), folder_.write("kubelet.conf", ""), folder_.write("k3s.yaml", "")};
    places_.environment = [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables_.find(std::string(name));
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    };
    variables_["KUBERNETES_SERVICE_HOST"] = "10.96.0.1";
    variables_["KUBERNETES_SERVICE_PORT"] = "443";
    variables_["HOME"] = folder_.path("home");
    variables_["KUBECONFIG"] = folder_.write("environment.conf", "");
    folder_.write("home/.kube/config", "");
  }
  // The path of what is found below the folder, its server, or `error: …`.
  std::string found() const {
    const auto source = find_source(places_);
    if (!source) return "error: " + source.error().message;
    if (!source->server.empty()) return source->server;
    std::string names;
    for (const std::string& file : source->files) {
      names += (names.empty() ? "" : " ") + std::filesystem::path(file).lexically_relative(folder_.path("")).string();
    }
    return names;
  }
  void remove(const std::string& name) const { std::filesystem::remove(folder_.path(name)); }

  shim::test::Folder folder_;
  Places places_;
  std::map<std::string, std::string> variables_;
};

TEST_F(FindSource, LooksInOneOrder) {
  EXPECT_EQ(found(), "https://10.96.0.1:443");
  remove("sa/token");
  EXPECT_EQ(found(), "environment.conf");
  remove("environment.conf");
  EXPECT_EQ(found(), "admin.conf");
  remove("admin.conf");
  EXPECT_EQ(found(), "kubelet.conf");
  remove("kubelet.conf");
  EXPECT_EQ(found(), "k3s.yaml");
  remove("k3s.yaml");
  EXPECT_EQ(found(), "home/.kube/config");
}

TEST_F(FindSource, TakesTheConfiguredFileAlone) {
  places_.kubeconfig = folder_.write("own.conf", "");
  EXPECT_EQ(found(), "own.conf");
  remove("own.conf");
  EXPECT_EQ(found(), "error: configMap.kubeconfig: " + folder_.path("own.conf") + " does not exist");
}

TEST_F(FindSource, TakesAServiceAccountOnlyInsideOfAPod) {
  variables_.erase("KUBERNETES_SERVICE_PORT");
  EXPECT_EQ(found(), "environment.conf");
}

TEST_F(FindSource, PutsAnIpv6AddressIntoBrackets) {
  variables_["KUBERNETES_SERVICE_HOST"] = "fd00:10:96::1";
  EXPECT_EQ(found(), "https://[fd00:10:96::1]:443");
}

TEST_F(FindSource, SaysThatAServiceAccountsAddressIsNone) {
  variables_["KUBERNETES_SERVICE_PORT"] = "tcp://10.96.0.1:443";
  EXPECT_THAT(found(), AllOf(HasSubstr("KUBERNETES_SERVICE_PORT \"tcp://10.96.0.1:443\""), HasSubstr("no address")));
}

TEST_F(FindSource, TakesAllFilesOfTheVariableAndEachOnce) {
  remove("sa/token");
  variables_["KUBECONFIG"] = folder_.path("missing") + "::" + folder_.path("admin.conf") + ":" +
                             folder_.path("k3s.yaml") + ":" + folder_.path("./admin.conf");
  EXPECT_EQ(found(), "missing admin.conf k3s.yaml");
}

TEST_F(FindSource, IsRootsAtHomeWhereThereIsNoHome) {
  places_.environment = [](std::string_view) { return std::nullopt; };
  places_.files = {};
  const auto source = find_source(places_);
  const std::string shown = source ? source->files.front() : source.error().message;
  EXPECT_THAT(shown, HasSubstr("/root/.kube/config"));
}

TEST_F(FindSource, NamesEveryPlaceWhereThereIsNothing) {
  for (const char* name : {"sa/token", "environment.conf", "admin.conf", "kubelet.conf", "k3s.yaml"}) remove(name);
  remove("home/.kube/config");
  const std::string error = found();
  EXPECT_THAT(error, AllOf(HasSubstr("no kubeconfig"), HasSubstr("configMap.kubeconfig")));
  for (const char* name :
       {"sa/token", "environment.conf", "admin.conf", "kubelet.conf", "k3s.yaml", "home/.kube/config"}) {
    EXPECT_THAT(error, HasSubstr(folder_.path(name)));
  }
}

TEST_F(FindSource, IsAnErrorWhereAPlaceCannotBeLookedAt) {
  remove("sa/token");
  remove("environment.conf");
  std::filesystem::create_symlink("environment.conf", folder_.path("environment.conf"));
  EXPECT_THAT(found(), AllOf(HasSubstr(folder_.path("environment.conf")), HasSubstr("symbolic links")));
}

}  // namespace
}  // namespace shim::kubernetes
