// Kubeconfig files, as far as one client needs them: which server to ask, and as whom. Pure.
//
// Read as client-go reads them: YAML or JSON, unknown keys left alone, relative paths relative to the file, several
// files merged with the first one winning. Unlike there, what is wrong with a cluster or user that nobody uses does not
// matter.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "credentials/program.h"

namespace shim::kubernetes {

// PEM in a file of its own (an absolute path) or in place; neither: none.
struct Pem {
  std::string file{};
  Secret content{};

  bool empty() const { return file.empty() && content.empty(); }
};

struct Cluster {
  std::string server{};  // `https://host:port`, maybe with a path; no slash at its end
  Pem ca{};              // none: the system's
  bool insecure_skip_tls_verify = false;
  std::string tls_server_name{};
  std::string proxy_url{};    // may hold a password; empty: as the environment says
  std::string exec_config{};  // JSON that the file has for exec plugins; empty: none

  bool is_secure() const { return server.starts_with("https://"); }
};

struct Impersonation {
  std::string user{};  // empty: none
  std::string uid{};
  std::vector<std::string> groups{};
  std::vector<std::pair<std::string, std::vector<std::string>>> extra{};
};

// A program that knows the credential (client-go's exec plugins).
struct ExecConfig {
  std::string command{};  // absolute where it holds a slash, else looked for in PATH
  std::vector<std::string> arguments{};
  credentials::Variables environment{};
  std::string api_version{};
  std::string install_hint{};
  bool provide_cluster_info = false;

  friend bool operator==(const ExecConfig&, const ExecConfig&) = default;
};

// Nothing of it: anonymous. Never a token (or token file) together with a user name.
struct User {
  Secret token{};
  std::string token_file{};  // comes before `token`
  Pem certificate{};         // with a key, or neither
  Pem key{};
  std::string username{};
  Secret password{};
  std::optional<ExecConfig> exec{};
  Impersonation impersonation{};

  // An exec plugin is run only where the file has nothing better, as in client-go.
  bool needs_exec() const {
    return exec && token.empty() && token_file.empty() && certificate.empty() && username.empty() && password.empty();
  }
};

// Who asks whom.
struct Identity {
  std::string name{};  // for messages: `/etc/kubernetes/kubelet.conf (user system:node:worker-1)`
  Cluster cluster{};
  User user{};
};

class Kubeconfig {
 public:
  // REQUIRES: `file` is absolute. Errors, all at once, with file, line and key: no kubeconfig, a list that is none, a
  // name that stands twice.
  static Expected<Kubeconfig> parse(std::string_view text, const std::string& file);

  // Takes over what is missing here.
  void merge(Kubeconfig next);
  // The cluster and user of the current context. Errors, with file, line and key: no current context, what it names is
  // missing, wrong, or needs what this client cannot do.
  Expected<Identity> identity() const;

 private:
  // By name: what it stands for, or what is wrong with that.
  template <class Value>
  using Entries = std::map<std::string, Expected<Value>, std::less<>>;
  struct Context {
    std::string file;
    int line = 0;
    std::string path;  // `contexts[0].context`
    std::string cluster;
    std::string user;
  };
  struct Reader;

  std::string file_;
  std::string current_context_;
  Entries<Cluster> clusters_;
  Entries<User> users_;
  std::map<std::string, Context, std::less<>> contexts_;
};

}  // namespace shim::kubernetes
