// What the fake registry answers: the part of the distribution API that a probe uses, Basic and Bearer authentication
// and a token endpoint, faults on demand. Decides only; server.cc has the sockets. Not thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fake_registry/test_ca.h"

namespace shim::test {

struct FakeRegistryOptions {
  std::string listen = "127.0.0.1:0";
  std::map<std::string, std::string> users;  // user → password; empty: everybody may read
  bool wants_bearer = false;                 // tokens of `realm` instead of Basic
  std::string realm;                         // empty: this registry's own `/token`
  std::string identity_token;                // accepted by the token endpoint as a refresh token
  std::chrono::seconds token_lifetime{300};  // 0: not said in the answer
  std::string token_override;                // handed out instead of a good token
  std::optional<Certificate> tls;
};

struct Manifest {
  std::string media_type;
  std::string body;
};
Manifest image_manifest();
// `platforms` as `linux/arm64/v8`.
Manifest image_index(const std::vector<std::string>& platforms);
// `sha256:…` of a manifest.
std::string digest_of(const std::string& body);

// User name of a Basic `Authorization` value; empty for others.
std::string user_of(const std::string& authorization);

// How a repository misbehaves.
struct Fault {
  enum class Kind {
    status,    // `status`, with `retry_after` where given
    delay,     // the right answer after `delay`
    hang,      // no answer
    reset,     // the connection is reset instead of an answer
    html_404,  // what a web server that is no registry says
    html_200,
    wrong_digest,  // another `Docker-Content-Digest`
    endless_body,
    endless_header,
    redirect,      // 307 to `location`
    head_refused,  // `status` (405) for HEAD, the right answer for GET
  };
  Kind kind = Kind::status;
  int status = 0;
  std::string retry_after{};
  std::chrono::milliseconds delay{0};
  std::string location{};
};

struct RecordedRequest {
  int connection = 0;  // counts the accepted connections from 1
  std::string method;
  std::string target;
  std::string host;
  std::string authorization;
  std::string accept;
  std::string user_agent;
  std::string body;
};

struct Answer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::optional<Fault> fault;  // what the server does to the answer or instead of it
};

class Protocol {
 public:
  explicit Protocol(FakeRegistryOptions options) : options_(std::move(options)) {}

  void put_manifest(const std::string& repository, const std::string& reference, Manifest manifest);
  // `*` is every repository, `/token` the token endpoint.
  void set_fault(const std::string& repository, Fault fault) { faults_[repository] = std::move(fault); }
  void clear_faults() { faults_.clear(); }
  void revoke_tokens() { token_scopes_.clear(); }
  // `url` is this registry's own, for its challenges.
  void set_url(std::string url) { url_ = std::move(url); }

  Answer answer(const RecordedRequest& request);

  std::vector<RecordedRequest> requests;

 private:
  Answer answer_manifest(const RecordedRequest& request, const std::string& repository, const std::string& reference);
  Answer answer_token(const RecordedRequest& request);
  std::optional<Answer> refuse(const RecordedRequest& request, const std::string& repository) const;
  std::optional<Fault> fault_of(const std::string& repository) const;
  bool is_user(std::string_view authorization) const;
  std::string new_token(const std::string& scope);

  FakeRegistryOptions options_;
  std::string url_;
  std::map<std::pair<std::string, std::string>, Manifest> manifests_;  // by repository and reference
  std::map<std::string, Fault> faults_;
  std::map<std::string, std::string> token_scopes_;  // by token
  int tokens_issued_ = 0;
};

}  // namespace shim::test
