#include "kubernetes/api_request.h"

#include <fmt/format.h>

#include <utility>

#include "http/url.h"

namespace shim::kubernetes {
namespace {

using http::percent_encoded;

http::Request request_of(const Login& login, std::string url) {
  http::Request request;
  request.url = std::move(url);
  request.headers = login.headers;
  request.headers.add("Accept", "application/json");
  request.authorization = login.authorization;
  request.tls = login.tls;
  request.proxy = login.proxy;
  return request;
}

std::string collection_url(const Login& login, const ConfigMapKey& wanted) {
  return fmt::format("{}/api/v1/namespaces/{}/configmaps", login.server, percent_encoded(wanted.name_space));
}

}  // namespace

http::Request get_request(const Login& login, const ConfigMapKey& wanted) {
  return request_of(login, collection_url(login, wanted) + "/" + percent_encoded(wanted.name));
}

// With this field selector the server asks RBAC for the one name, so that a rule with `resourceNames` is enough.
http::Request watch_request(const Login& login, const ConfigMapKey& wanted, const std::string& resource_version,
                            std::chrono::seconds time) {
  std::string url =
      fmt::format("{}?watch=true&allowWatchBookmarks=true&fieldSelector={}&timeoutSeconds={}",
                  collection_url(login, wanted), percent_encoded("metadata.name=" + wanted.name), time.count());
  if (!resource_version.empty()) url += "&resourceVersion=" + percent_encoded(resource_version);
  return request_of(login, std::move(url));
}

}  // namespace shim::kubernetes
