// Any bytes as a kubeconfig: refused with errors of one line, or an identity whose parts are what its types say.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/url.h"
#include "kubernetes/exec_credential.h"
#include "kubernetes/impersonation.h"
#include "kubernetes/kubeconfig.h"
#include "kubernetes/pem.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_one_line(const std::string& message) {
  return !message.empty() && message.find('\n') == std::string::npos;
}

void check(const shim::kubernetes::Identity& identity) {
  using namespace shim::kubernetes;
  const Cluster& cluster = identity.cluster;
  const User& user = identity.user;
  require(is_one_line(identity.name));
  require(shim::http::Url::parse(cluster.server).has_value() && !cluster.server.ends_with('/'));
  require(cluster.ca.content.empty() || certificates_of(cluster.ca.content.reveal()));
  require(user.certificate.empty() == user.key.empty());
  require(user.key.content.empty() || private_key_of(user.key.content.reveal()));
  require(user.token.reveal().find_first_of("\r\n ") == std::string_view::npos);
  const auto headers = impersonation_headers(user.impersonation);
  for (const auto& field : headers.fields()) {
    require(field.name.find_first_of("\r\n: ") == std::string::npos);
    require(field.value.find_first_of("\r\n") == std::string::npos);
  }
  if (user.exec) require(exec_info(user.exec->api_version, cluster, "").find('\n') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using shim::kubernetes::Kubeconfig;
  auto kubeconfig = Kubeconfig::parse({reinterpret_cast<const char*>(data), size}, "/etc/kubernetes/f.conf");
  if (!kubeconfig) {
    require(is_one_line(kubeconfig.error().message));
    return 0;
  }
  kubeconfig->merge(Kubeconfig());
  const auto identity = kubeconfig->identity();
  if (identity) {
    check(*identity);
  } else {
    require(is_one_line(identity.error().message));
  }
  return 0;
}
