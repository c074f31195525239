#include "kubernetes/exec_credential.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/text.h"
#include "kubernetes/bearer_token.h"
#include "kubernetes/pem.h"
#include "kubernetes/timestamp.h"

namespace shim::kubernetes {
namespace {

using nlohmann::json;

json request(std::string_view api_version) {
  return {{"kind", "ExecCredential"}, {"apiVersion", api_version}, {"spec", {{"interactive", false}}}};
}

std::string written(const json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

// The text member `name`, which may be missing or null.
Expected<std::string_view> text_of(const json& block, const char* name) {
  const auto found = block.find(name);
  if (found == block.end() || found->is_null()) return std::string_view();
  if (!found->is_string()) return fail(fmt::format("the {} of its answer is not text", name));
  return std::string_view(found->get_ref<const std::string&>());
}

Expected<void> read_pair(std::string_view certificate, std::string_view key, ExecCredential& credential) {
  if (certificate.empty() && key.empty()) return {};
  if (certificate.empty() || key.empty()) {
    return fail("its answer has only one of clientCertificateData and clientKeyData");
  }
  auto certificates = certificates_of(certificate);
  if (!certificates) return fail("the clientCertificateData of its answer " + certificates.error().message);
  auto private_key = private_key_of(key);
  if (!private_key) return fail("the clientKeyData of its answer " + private_key.error().message);
  credential.certificate = std::move(*certificates);
  credential.key = std::move(*private_key);
  return {};
}

Expected<ExecCredential> read_status(const json& status) {
  for (const char* name : {"token", "clientCertificateData", "clientKeyData", "expirationTimestamp"}) {
    if (const auto text = text_of(status, name); !text) return std::unexpected(text.error());
  }
  ExecCredential credential;
  if (const std::string_view token = *text_of(status, "token"); !token.empty()) {
    auto usable = bearer_token(token);
    if (!usable) return fail("the token of its answer " + usable.error().message);
    credential.token = std::move(*usable);
  }
  const auto pair = read_pair(*text_of(status, "clientCertificateData"), *text_of(status, "clientKeyData"), credential);
  if (!pair) return std::unexpected(pair.error());
  if (credential.token.empty() && credential.certificate.empty()) {
    return fail("its answer has neither a token nor a client certificate");
  }
  if (const std::string_view expires = *text_of(status, "expirationTimestamp"); !expires.empty()) {
    credential.expires = parse_timestamp(expires);
    if (!credential.expires) return fail("the expirationTimestamp of its answer is no time as RFC 3339 has it");
  }
  return credential;
}

}  // namespace

std::string exec_info(std::string_view api_version) {
  return written(request(api_version));
}

std::string exec_info(std::string_view api_version, const Cluster& cluster, std::string_view ca) {
  json described = {{"server", cluster.server}, {"config", nullptr}};
  if (!cluster.tls_server_name.empty()) described["tls-server-name"] = cluster.tls_server_name;
  if (cluster.insecure_skip_tls_verify) described["insecure-skip-tls-verify"] = true;
  if (!ca.empty()) {
    std::string encoded;
    append_base64(ca, encoded);
    described["certificate-authority-data"] = std::move(encoded);
  }
  if (!cluster.proxy_url.empty()) described["proxy-url"] = cluster.proxy_url;
  if (!cluster.exec_config.empty()) described["config"] = json::parse(cluster.exec_config, nullptr, false);
  json whole = request(api_version);
  whole["spec"]["cluster"] = std::move(described);
  return written(whole);
}

Expected<ExecCredential> parse_exec_credential(std::string_view text, std::string_view api_version) {
  const json answer = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object()) return fail("its answer is not a JSON object");
  const auto kind = text_of(answer, "kind");
  if (!kind || *kind != "ExecCredential") return fail("its answer is not of kind ExecCredential");
  const auto version = text_of(answer, "apiVersion");
  if (!version || *version != api_version) {
    return fail(fmt::format("its answer is of apiVersion {}, and {} was asked for",
                            in_quotes(version.value_or(std::string_view()), 64), api_version));
  }
  const auto status = answer.find("status");
  if (status == answer.end() || !status->is_object()) return fail("its answer has no status");
  return read_status(*status);
}

}  // namespace shim::kubernetes
