#include "fake_registry/control.h"

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace shim::test {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<std::string_view, Fault::Kind>, 11> kKinds{{
    {"status", Fault::Kind::status},
    {"delay", Fault::Kind::delay},
    {"hang", Fault::Kind::hang},
    {"reset", Fault::Kind::reset},
    {"html_404", Fault::Kind::html_404},
    {"html_200", Fault::Kind::html_200},
    {"wrong_digest", Fault::Kind::wrong_digest},
    {"endless_body", Fault::Kind::endless_body},
    {"endless_header", Fault::Kind::endless_header},
    {"redirect", Fault::Kind::redirect},
    {"head_refused", Fault::Kind::head_refused},
}};

Fault::Kind kind_named(const std::string& name) {
  for (const auto& [known, kind] : kKinds) {
    if (known == name) return kind;
  }
  throw std::invalid_argument("no fault is called " + name);
}

void put_manifest(Protocol& protocol, const json& wanted) {
  Manifest manifest = wanted.contains("platforms") ? image_index(wanted["platforms"]) : image_manifest();
  manifest.media_type = wanted.value("media_type", manifest.media_type);
  manifest.body = wanted.value("body", manifest.body);
  protocol.put_manifest(wanted.at("repository"), wanted.at("reference"), std::move(manifest));
}

void set_fault(Protocol& protocol, const json& wanted) {
  const Fault::Kind kind = kind_named(wanted.at("kind"));
  protocol.set_fault(wanted.at("repository"),
                     {.kind = kind,
                      .status = wanted.value("status", kind == Fault::Kind::head_refused ? 405 : 500),
                      .retry_after = wanted.value("retry_after", ""),
                      .delay = std::chrono::milliseconds(wanted.value("delay_ms", 0)),
                      .location = wanted.value("location", "")});
}

json shown(const RecordedRequest& request) {
  const std::string scheme = request.authorization.substr(0, request.authorization.find(' '));
  return {{"connection", request.connection}, {"method", request.method},
          {"target", request.target},         {"host", request.host},
          {"authorization", scheme},          {"accept", request.accept},
          {"user_agent", request.user_agent}, {"user", user_of(request.authorization)}};
}

Answer run(Protocol& protocol, const RecordedRequest& request) {
  const std::string what = request.method + " " + request.target.substr(kControlPath.size());
  if (what == "POST manifests")
    put_manifest(protocol, json::parse(request.body));
  else if (what == "POST faults")
    set_fault(protocol, json::parse(request.body));
  else if (what == "DELETE faults")
    protocol.clear_faults();
  else if (what == "DELETE tokens")
    protocol.revoke_tokens();
  else if (what == "DELETE requests")
    protocol.requests.clear();
  else if (what != "GET requests")
    throw std::invalid_argument("no control is called " + what);
  if (request.method != "GET") return {204, {}, "", {}};

  json list = json::array();
  for (const RecordedRequest& each : protocol.requests) list.push_back(shown(each));
  return {200, {{"Content-Type", "application/json"}}, list.dump(), {}};
}

}  // namespace

Answer control(Protocol& protocol, const RecordedRequest& request) {
  try {
    return run(protocol, request);
  } catch (const std::exception& error) {
    return {400, {{"Content-Type", "text/plain"}}, error.what(), {}};
  }
}

}  // namespace shim::test
