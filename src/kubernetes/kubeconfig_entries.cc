#include "kubernetes/kubeconfig_entries.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "http/url.h"
#include "kubernetes/bearer_token.h"
#include "kubernetes/exec_credential.h"
#include "kubernetes/pem.h"

namespace shim::kubernetes {
namespace {

using config::Node;
using nlohmann::json;

// The reserved name of a cluster's own settings for exec plugins.
constexpr std::string_view kExecExtension = "client.authentication.k8s.io/exec";

// As Go's filepath.Join: an absolute path without `.` and `..`.
std::string absolute(const std::string& path, std::string_view folder) {
  if (path.empty() || path.starts_with('/')) return path;
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

std::string read_server(const KubeconfigPart& part) {
  const std::string written = part.text("server");
  if (written.empty()) {
    part.error("server", "is missing");
    return {};
  }
  const auto url = http::Url::parse(written);
  if (!url) {
    part.error("server", fmt::format("expected a URL such as https://10.0.0.1:6443: {}", url.error().message));
    return {};
  }
  const std::string_view after_scheme = std::string_view(url->text()).substr(url->text().find("://"));
  std::string server = url->is_secure() ? "https" : "http";
  server += after_scheme.substr(0, after_scheme.find('?'));
  while (server.ends_with('/')) server.pop_back();
  return server;
}

// Not shown: it may hold a password.
std::string read_proxy(const KubeconfigPart& part) {
  constexpr std::array<std::string_view, 3> kSchemes = {"http", "https", "socks5"};
  std::string written = part.text("proxy-url");
  if (written.empty()) return written;
  const auto url = boost::urls::parse_uri(boost::core::string_view(written.data(), written.size()));
  const bool has_host = url && !url->host().empty();
  const bool is_known = has_host && std::ranges::find(kSchemes, std::string(url->scheme())) != kSchemes.end();
  if (!is_known) part.error("proxy-url", "expected a URL of http, https or socks5");
  return written;
}

Pem read_pem(const KubeconfigPart& part, const std::string& key, std::string_view folder) {
  const std::string data_key = key + "-data";
  Pem pem{.file = absolute(part.text(key), folder), .content = part.bytes(data_key)};
  if (!pem.file.empty() && !pem.content.empty()) {
    part.error(key, fmt::format("and {} are both set: one of them must go", data_key));
  }
  return pem;
}

template <class Extract>
void check_content(const KubeconfigPart& part, std::string_view key, const Pem& pem, Extract extract) {
  if (pem.content.empty()) return;
  if (const auto found = extract(pem.content.reveal()); !found) part.error(key, found.error().message);
}

void read_certificate(const KubeconfigPart& part, std::string_view folder, User& user) {
  user.certificate = read_pem(part, "client-certificate", folder);
  user.key = read_pem(part, "client-key", folder);
  check_content(part, "client-certificate-data", user.certificate, &certificates_of);
  check_content(part, "client-key-data", user.key, &private_key_of);
  const auto given = [&](const std::string& key) {
    return part.has(key + "-data") ? key + "-data" : part.has(key) ? key : "";
  };
  const std::string certificate = given("client-certificate");
  const std::string private_key = given("client-key");
  if (!certificate.empty() && private_key.empty()) {
    part.error(certificate, "needs client-key or client-key-data beside it");
  }
  if (certificate.empty() && !private_key.empty()) {
    part.error(private_key, "needs client-certificate or client-certificate-data beside it");
  }
}

void read_token(const KubeconfigPart& part, std::string_view folder, User& user) {
  user.token_file = absolute(part.text("tokenFile"), folder);
  if (const Secret written = part.secret("token"); !written.empty()) {
    auto token = bearer_token(written.reveal());
    if (!token) part.error("token", token.error().message);
    user.token = std::move(token).value_or(Secret());
  }
  const bool has_token = !user.token.empty() || !user.token_file.empty();
  if (has_token && (!user.username.empty() || !user.password.empty())) {
    part.error(user.token.empty() ? "tokenFile" : "token", "and username are both set: one of them must go");
  }
}

Impersonation read_impersonation(const KubeconfigPart& part) {
  Impersonation impersonation{.user = part.text("as"), .uid = part.text("as-uid"), .groups = part.texts("as-groups")};
  const KubeconfigPart extra = part.part("as-user-extra");
  for (const std::string_view key : extra.keys()) impersonation.extra.emplace_back(key, extra.texts(key));
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  const auto has_control = [&](const std::string& text) { return std::ranges::any_of(text, is_control); };
  const auto is_wrong = [&](const auto& each) { return std::ranges::any_of(each.second, has_control); };
  if (std::ranges::any_of(impersonation.groups, has_control)) part.error("as-groups", "holds a control character");
  if (std::ranges::any_of(impersonation.extra, is_wrong)) part.error("as-user-extra", "holds a control character");
  for (const std::string_view key : {"as-uid", "as-groups", "as-user-extra"}) {
    if (impersonation.user.empty() && part.has(key)) part.error(key, "needs `as`, the user to act as");
  }
  return impersonation;
}

credentials::Variables read_environment(const KubeconfigPart& part) {
  credentials::Variables variables;
  for (const KubeconfigPart& each : part.parts("env")) {
    std::string name = each.text("name");
    if (name.empty() || name.find('=') != std::string::npos) each.error("name", "expected the name of a variable");
    variables.emplace_back(std::move(name), each.any_text("value"));
  }
  return variables;
}

void check_interactive_mode(const KubeconfigPart& part, std::string_view api_version) {
  const std::string mode = part.text("interactiveMode");
  const bool has_default = mode.empty() && api_version == kExecV1Beta1;
  if (has_default || mode == "Never" || mode == "IfAvailable") return;
  if (mode == "Always") {
    part.error("interactiveMode", "is Always: this plugin needs somebody at a terminal, and a daemon has nobody");
  } else {
    part.error("interactiveMode", fmt::format("expected Never or IfAvailable, got {}", in_quotes(mode, 32)));
  }
}

ExecConfig read_exec(const KubeconfigPart& part, std::string_view folder) {
  ExecConfig exec{.command = part.text("command"),
                  .arguments = part.texts("args"),
                  .environment = read_environment(part),
                  .api_version = part.text("apiVersion"),
                  .install_hint = part.any_text("installHint"),
                  .provide_cluster_info = part.flag("provideClusterInfo")};
  if (exec.command.empty()) part.error("command", "is missing");
  if (exec.command.find('/') != std::string::npos) exec.command = absolute(exec.command, folder);
  if (exec.api_version != kExecV1 && exec.api_version != kExecV1Beta1) {
    part.error("apiVersion",
               fmt::format("expected {} or {}, got {}", kExecV1, kExecV1Beta1, in_quotes(exec.api_version, 64)));
  } else {
    check_interactive_mode(part, exec.api_version);
  }
  return exec;
}

json number_or_text(const std::string& text) {
  const char* end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto [at, code] = std::from_chars(text.data(), end, whole); code == std::errc() && at == end) return whole;
  double real = 0;
  const auto [at, code] = std::from_chars(text.data(), end, real);
  if (code == std::errc() && at == end && std::isfinite(real)) return real;
  return text;
}

json json_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return nullptr;
    case Node::Kind::scalar:
      if (node.is_quoted) return node.text;
      if (node.text == "true" || node.text == "True" || node.text == "TRUE") return true;
      if (node.text == "false" || node.text == "False" || node.text == "FALSE") return false;
      return number_or_text(node.text);
    case Node::Kind::list: {
      json list = json::array();
      for (const Node* item : node.items) list.push_back(json_of(*item));
      return list;
    }
    case Node::Kind::block: {
      json block = json::object();
      for (const Node::Member& member : node.members) block[member.key] = json_of(*member.value);
      return block;
    }
  }
  return nullptr;
}

}  // namespace

std::string to_json(const Node& node) {
  return json_of(node).dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

Cluster read_cluster(const KubeconfigPart& part, std::string_view folder) {
  Cluster cluster{.server = read_server(part),
                  .ca = read_pem(part, "certificate-authority", folder),
                  .insecure_skip_tls_verify = part.flag("insecure-skip-tls-verify"),
                  .tls_server_name = part.text("tls-server-name"),
                  .proxy_url = read_proxy(part)};
  check_content(part, "certificate-authority-data", cluster.ca, &certificates_of);
  if (cluster.insecure_skip_tls_verify && !cluster.ca.empty()) {
    part.error("insecure-skip-tls-verify", "does not go together with a certificate-authority: one of them must go");
  }
  for (const KubeconfigPart& extension : part.parts("extensions")) {
    const Node* content = extension.find("extension");
    if (extension.text("name") == kExecExtension && content != nullptr) cluster.exec_config = to_json(*content);
  }
  return cluster;
}

User read_user(const KubeconfigPart& part, std::string_view folder) {
  User user{.username = part.text("username"),
            .password = part.secret("password"),
            .impersonation = read_impersonation(part)};
  read_certificate(part, folder, user);
  read_token(part, folder, user);
  if (part.has("auth-provider")) {
    part.error("auth-provider",
               fmt::format("{} is not supported: Kubernetes 1.26 has taken auth providers away; use an exec plugin, a "
                           "token or a client certificate",
                           in_quotes(part.part("auth-provider").text("name"), 64)));
  }
  if (part.has("exec")) user.exec = read_exec(part.part("exec"), folder);
  return user;
}

}  // namespace shim::kubernetes
