#include "kubernetes/login_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/atomic_file.h"
#include "base/text.h"
#include "credentials/credential.h"
#include "kubernetes/bearer_token.h"
#include "kubernetes/exec_credential.h"
#include "kubernetes/impersonation.h"
#include "kubernetes/pem.h"

namespace shim::kubernetes {
namespace {

constexpr std::size_t kMaxFileBytes = 1024 * 1024;
constexpr int kMaxPasses = 3;

// One pass over the files: each is read at most once, so a certificate and a key in one file are of one version.
class Pass {
 public:
  explicit Pass(LoginFiles before) : before_(std::move(before)) {}

  bool exists(const std::string& path) {
    const auto stamp = credentials::stamp_of(path);
    const bool is_missing = stamp && !*stamp;
    if (is_missing) files_.try_emplace(path);
    return !is_missing;
  }

  // Borrowed for as long as the pass lives.
  Expected<std::string_view> read(const std::string& path) {
    if (const auto known = files_.find(path); known != files_.end() && known->second.stamp) return text_of(path);
    const auto stamp = credentials::stamp_of(path);
    if (!stamp) return std::unexpected(stamp.error());
    if (!*stamp) return fail(fmt::format("{} does not exist", printable(path, 512)));
    const auto old = before_.find(path);
    const bool is_known = old != before_.end() && old->second.stamp == **stamp && !old->second.stamp->is_fresh;
    if (is_known) {
      files_[path] = {*stamp, old->second.content};
      return text_of(path);
    }
    auto content = read_file(path, kMaxFileBytes);
    if (!content) return std::unexpected(content.error());
    files_[path] = {*stamp, Secret(std::move(*content))};
    return text_of(path);
  }

  // What `extract` finds in a credential's file. Where that cannot be read or used now, what it found before: a
  // rotation that is half done costs nothing then, and the server says when the old one is not good any more.
  template <class Extract>
  auto extract_rotated(const std::string& path, Extract extract) -> decltype(extract(std::string_view())) {
    auto found = extract_now(path, extract);
    if (found) return found;
    const auto old = before_.find(path);
    if (old == before_.end() || old->second.content.empty()) return found;
    auto before = extract(old->second.content.reveal());
    if (!before) return found;
    files_[path] = {std::nullopt, old->second.content};
    return before;
  }

  LoginFiles take() { return std::move(files_); }

 private:
  template <class Extract>
  auto extract_now(const std::string& path, Extract extract) -> decltype(extract(std::string_view())) {
    const auto text = read(path);
    if (!text) return std::unexpected(text.error());
    auto found = extract(*text);
    if (!found) return fail(fmt::format("{} {}", printable(path, 512), found.error().message));
    return found;
  }
  std::string_view text_of(const std::string& path) const { return files_.at(path).content.reveal(); }

  const LoginFiles before_;
  LoginFiles files_;
};

bool is_unchanged(const LoginFiles& files) {
  return std::ranges::all_of(files, [](const auto& each) {
    const auto& [path, file] = each;
    const auto now = credentials::stamp_of(path);
    return now && *now == file.stamp && !(file.stamp && file.stamp->is_fresh);
  });
}

// Whether a file was replaced while the others were read; one that changed just before may count as the same.
bool was_replaced(const LoginFiles& files) {
  return std::ranges::any_of(files, [](const auto& each) {
    const auto now = credentials::stamp_of(each.first);
    if (!now || !*now || !each.second.stamp) return false;
    return (*now)->inode != each.second.stamp->inode || (*now)->changed != each.second.stamp->changed;
  });
}

Expected<Identity> service_account_identity(const KubeconfigSource& source, Pass& pass) {
  Identity identity{.name = source.name(), .cluster = {.server = source.server}};
  identity.user.token_file = source.service_account + "/token";
  // As client-go does it, the system's certificates where the pod was given none.
  const std::string ca = source.service_account + "/ca.crt";
  if (pass.exists(ca)) identity.cluster.ca.file = ca;
  return identity;
}

Expected<Identity> read_identity(const KubeconfigSource& source, Pass& pass) {
  if (!source.service_account.empty()) return service_account_identity(source, pass);
  std::optional<Kubeconfig> merged;
  for (const std::string& file : source.files) {
    if (source.files.size() > 1 && !pass.exists(file)) continue;
    const auto text = pass.read(file);
    if (!text) return std::unexpected(text.error());
    auto kubeconfig = Kubeconfig::parse(*text, file);
    if (!kubeconfig) return std::unexpected(kubeconfig.error());
    if (merged) {
      merged->merge(std::move(*kubeconfig));
    } else {
      merged = std::move(*kubeconfig);
    }
  }
  if (!merged) return fail(fmt::format("none of {} exists", source.name()));
  return merged->identity();
}

// What `extract` finds in a file or in what the kubeconfig holds itself, which was looked at when it was parsed.
template <class Extract>
auto read_pem(const Pem& pem, Pass& pass, Extract extract) -> decltype(extract(std::string_view())) {
  if (!pem.content.empty()) return extract(pem.content.reveal());
  return pass.extract_rotated(pem.file, extract);
}

Expected<void> add_tls(const Identity& identity, Pass& pass, http::TlsOptions& tls) {
  tls.insecure_skip_verify = identity.cluster.insecure_skip_tls_verify;
  tls.server_name = identity.cluster.tls_server_name;
  if (!identity.cluster.ca.empty()) {
    auto ca = read_pem(identity.cluster.ca, pass, &certificates_of);
    if (!ca) return std::unexpected(ca.error());
    tls.ca_data = std::move(*ca);
  }
  if (identity.user.certificate.empty()) return {};
  auto certificate = read_pem(identity.user.certificate, pass, &certificates_of);
  if (!certificate) return std::unexpected(certificate.error());
  auto key = read_pem(identity.user.key, pass, &private_key_of);
  if (!key) return std::unexpected(key.error());
  tls.cert_data = std::move(*certificate);
  tls.key_data = std::move(*key);
  return {};
}

Expected<std::optional<Secret>> read_authorization(const Identity& identity, Pass& pass) {
  const User& user = identity.user;
  if (!user.token_file.empty()) {
    const auto token = pass.extract_rotated(user.token_file, &bearer_token);
    if (token) return bearer_authorization(*token);
    if (user.token.empty()) return std::unexpected(token.error());
  }
  if (!user.token.empty()) return bearer_authorization(user.token);
  if (user.username.empty() && user.password.empty()) return std::nullopt;
  return credentials::basic_authorization({.username = user.username, .password = user.password});
}

// Nothing secret goes to a server without TLS, as in client-go: that is `kubectl proxy`.
Expected<Login> read_parts(const Identity& identity, Pass& pass) {
  Login login;
  login.server = identity.cluster.server;
  login.headers = impersonation_headers(identity.user.impersonation);
  if (!identity.cluster.proxy_url.empty()) login.proxy = identity.cluster.proxy_url;
  if (!identity.cluster.is_secure()) return login;
  if (const auto added = add_tls(identity, pass, login.tls); !added) return std::unexpected(added.error());
  auto authorization = read_authorization(identity, pass);
  if (!authorization) return std::unexpected(authorization.error());
  login.authorization = std::move(*authorization);
  return login;
}

std::string exec_info_for(const ExecConfig& exec, const Cluster& cluster, std::string_view ca) {
  return exec.provide_cluster_info ? exec_info(exec.api_version, cluster, ca) : exec_info(exec.api_version);
}

Expected<LoginMaterial> read_once(const KubeconfigSource& source, LoginFiles before) {
  Pass pass(std::move(before));
  const auto identity = read_identity(source, pass);
  if (!identity) return std::unexpected(identity.error());
  auto login = read_parts(*identity, pass);
  if (!login) return std::unexpected(login.error());
  LoginMaterial material{.name = identity->name, .login = std::move(*login)};
  if (identity->cluster.is_secure() && identity->user.needs_exec()) {
    material.exec = identity->user.exec;
    material.exec_info = exec_info_for(*material.exec, identity->cluster, material.login.tls.ca_data);
  }
  material.files = pass.take();
  return material;
}

}  // namespace

Expected<std::shared_ptr<const LoginMaterial>> read_login(const KubeconfigSource& source,
                                                          std::shared_ptr<const LoginMaterial> before) {
  if (before && is_unchanged(before->files)) return before;
  LoginFiles files = before ? before->files : LoginFiles();
  for (int pass = 1;; ++pass) {
    auto material = read_once(source, std::move(files));
    if (!material) return std::unexpected(material.error());
    if (pass == kMaxPasses || !was_replaced(material->files)) {
      return std::make_shared<const LoginMaterial>(std::move(*material));
    }
    files = std::move(material->files);
  }
}

}  // namespace shim::kubernetes
