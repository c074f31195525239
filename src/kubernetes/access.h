// How to reach one API server, and as whom, at this moment.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/secret.h"
#include "http/headers.h"
#include "http/tls_options.h"

namespace shim::kubernetes {

struct Login {
  std::string server;                   // `https://10.0.0.1:6443`, maybe with a path; no slash at its end
  http::TlsOptions tls;                 // CA, client certificate: content, not paths
  std::optional<std::string> proxy;     // as http::Request::proxy
  std::optional<Secret> authorization;  // value of the `Authorization` field
  http::Headers headers;                // impersonation
};

// Where logins come from: the border to files that are rotated and programs that are run.
class Access {
 public:
  virtual ~Access() = default;
  // Current credentials: a rotated token or certificate file is read again, a plugin's expired credential got anew.
  // Asked before every request, so what has not changed is cheap. Ends at once when the awaiting coroutine is
  // cancelled. Errors name the file or the program, and never show a secret.
  virtual boost::asio::awaitable<Expected<Login>> login() = 0;
  // The server answered 401 to the last login: nothing of it that can be got anew is used again.
  virtual void refused() = 0;
  // For messages: `/etc/kubernetes/kubelet.conf (user system:node:worker-1)`.
  virtual std::string name() const = 0;
};

}  // namespace shim::kubernetes
