// What a login is made of, read from files: kubeconfig, service account, tokens, certificates.
//
// Everything blocks on the disk: for a worker. What one pass has read is a value that the next one begins with, so that
// files which have not changed are only looked at (through symbolic links: Kubernetes swaps them).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/secret.h"
#include "credentials/cached_file.h"
#include "kubernetes/access.h"
#include "kubernetes/kubeconfig.h"
#include "kubernetes/kubeconfig_source.h"

namespace shim::kubernetes {

struct LoginFile {
  std::optional<credentials::FileStamp> stamp{};  // nothing: it was not there, or could not be read
  Secret content{};
};
using LoginFiles = std::map<std::string, LoginFile>;  // by path

struct LoginMaterial {
  LoginFiles files{};                // all that were looked at
  std::string name{};                // as Access::name()
  Login login{};                     // all but what an exec plugin adds
  std::optional<ExecConfig> exec{};  // the plugin to run
  std::string exec_info{};           // and what it is told
};

// What the files of `source` say now; `before` itself where nothing has changed. A token or certificate that cannot be
// read or used at the moment is the one of `before`, which may be null.
// Errors name the file: missing, unreadable, no regular file, larger than 1 MiB, or wrong in itself.
Expected<std::shared_ptr<const LoginMaterial>> read_login(const KubeconfigSource& source,
                                                          std::shared_ptr<const LoginMaterial> before);

}  // namespace shim::kubernetes
