#include "kubernetes/api_request.h"

#include <gtest/gtest.h>

namespace shim::kubernetes {
namespace {

using namespace std::chrono_literals;

const ConfigMapKey kWanted{.name_space = "kube-system", .name = "image-cri-shim", .key = "registries.yaml"};

Login login_at(std::string server) {
  Login login;
  login.server = std::move(server);
  login.tls.server_name = "kubernetes";
  login.proxy = "";
  login.authorization = Secret("Bearer x");
  login.headers.add("Impersonate-User", "jane");
  return login;
}

TEST(ApiRequest, AsksForTheOneConfigMap) {
  const http::Request request = get_request(login_at("https://10.0.0.1:6443/k8s/clusters/c-1"), kWanted);
  EXPECT_EQ(request.url,
            "https://10.0.0.1:6443/k8s/clusters/c-1/api/v1/namespaces/kube-system/configmaps/image-cri-shim");
  EXPECT_EQ(request.headers.find("Accept"), "application/json");
}

TEST(ApiRequest, WatchesFromAVersionThatIsOpaque) {
  EXPECT_EQ(watch_request(login_at("https://a"), kWanted, "7&x=/ü", 1800s).url,
            "https://a/api/v1/namespaces/kube-system/configmaps?watch=true&allowWatchBookmarks=true"
            "&fieldSelector=metadata.name%3Dimage-cri-shim&timeoutSeconds=1800&resourceVersion=7%26x%3D%2F%C3%BC");
}

TEST(ApiRequest, WatchesFromWhatIsThereWhereNoVersionIsKnown) {
  EXPECT_EQ(watch_request(login_at("https://a"), kWanted, "", 1800s).url.find("resourceVersion"), std::string::npos);
}

TEST(ApiRequest, EncodesNamesThatAreNone) {
  const ConfigMapKey odd{.name_space = "a/b", .name = "../c?d", .key = "k"};
  EXPECT_EQ(get_request(login_at("https://a"), odd).url, "https://a/api/v1/namespaces/a%2Fb/configmaps/..%2Fc%3Fd");
}

TEST(ApiRequest, SaysAllThatTheLoginSays) {
  for (const http::Request& request :
       {get_request(login_at("https://a"), kWanted), watch_request(login_at("https://a"), kWanted, "1", 1800s)}) {
    EXPECT_EQ(request.tls.server_name, "kubernetes");
    EXPECT_EQ(request.proxy, "");
    EXPECT_EQ(request.authorization, Secret("Bearer x"));
    EXPECT_EQ(request.headers.find("Impersonate-User"), "jane");
  }
}

}  // namespace
}  // namespace shim::kubernetes
