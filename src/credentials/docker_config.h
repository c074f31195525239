// docker's config.json, as docker, podman and Kubernetes write it: credentials by registry, and the helpers that know
// more. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "credentials/credential.h"

namespace shim::credentials {

class DockerConfig {
 public:
  // Errors: no JSON object, or a key of docker's that is of another kind. Never shows a value.
  static Expected<DockerConfig> parse(std::string content, const std::string& path);

  // The credential of `auths` for `host/repository`: that of the longest path prefix (containers-auth.json(5)); a
  // host's is its shortest. Keys may have a scheme and the API's path, as docker writes `https://index.docker.io/v1/`.
  // Nothing where there is none, or an empty one, as docker leaves where a helper has it.
  // Errors: it is no credential: the key, and what is wrong.
  Expected<std::optional<Credential>> find(std::string_view host, std::string_view repository) const;
  // Name of the helper to ask for `host`: its own of `credHelpers`, else `credsStore`; empty where there is none.
  // Errors: what is written there is no name.
  Expected<std::string> helper_for(std::string_view host) const;

 private:
  struct Auth {
    std::string key;  // as written
    Expected<std::optional<Credential>> credential;
  };

  std::map<std::string, Auth, std::less<>> auths_;            // by `host[/path]`
  std::map<std::string, std::string, std::less<>> helpers_;  // by host
  std::string store_;
};

// How docker names the registry to a helper: by its host, and the Hub by `https://index.docker.io/v1/`.
std::string helper_server(std::string_view host);

// A helper's answer. Nothing where it says that it has none; a user name `<token>` means an identity token.
// Errors: it is no answer. Never shows any of it.
Expected<std::optional<Credential>> parse_helper_answer(int exit_status, std::string_view output);
// True where the failed helper said that it has none.
bool says_not_found(std::string_view output);

}  // namespace shim::credentials
