// What an answer of the manifests endpoint or of the base endpoint means: yes, no, or neither. Pure.
#pragma once

#include <string>
#include <string_view>

#include "credentials/credential.h"
#include "http/client.h"
#include "registry/outcome.h"

namespace shim::registry {

struct Verdict {
  Outcome::Kind kind = Outcome::Kind::failed;
  std::string reason{};
  bool rules_out_pull = false;
};

// `asked` is the tag or digest that was asked for, `host` who answered. A yes says nothing about platforms yet.
Verdict judge_manifest(const http::Response& response, std::string_view asked, std::string_view host,
                       const credentials::Credential& credential);

// Of GET /v2/: `holds` where the credentials were let in.
Verdict judge_base(const http::Response& response, std::string_view host, const credentials::Credential& credential);

}  // namespace shim::registry
