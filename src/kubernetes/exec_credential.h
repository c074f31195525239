// What is said to an exec plugin and what it answers: ExecCredential of client.authentication.k8s.io. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "kubernetes/kubeconfig.h"

namespace shim::kubernetes {

inline constexpr std::string_view kExecV1 = "client.authentication.k8s.io/v1";
inline constexpr std::string_view kExecV1Beta1 = "client.authentication.k8s.io/v1beta1";

// A token, a certificate with its key, or all of them.
struct ExecCredential {
  Secret token{};
  std::string certificate{};  // PEM
  Secret key{};               // PEM
  std::optional<std::chrono::sys_seconds> expires{};

  friend bool operator==(const ExecCredential&, const ExecCredential&) = default;
};

// The value of KUBERNETES_EXEC_INFO. With the cluster, whose `ca` is its certificates in PEM, where the plugin is to
// know it.
std::string exec_info(std::string_view api_version);
std::string exec_info(std::string_view api_version, const Cluster& cluster, std::string_view ca);

// Errors: no ExecCredential of that version; neither a token nor a certificate with its key; a token that is no text
// for a header field; an expirationTimestamp that is none. Never shows any of it but the version.
Expected<ExecCredential> parse_exec_credential(std::string_view text, std::string_view api_version);

}  // namespace shim::kubernetes
