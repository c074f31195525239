// One block of a kubeconfig, read key by key. Unlike the shim's own file (config/block.h) it is someone else's: keys
// that are not asked for are left alone, and nothing is expanded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "config/diagnostic.h"
#include "config/document.h"

namespace shim::kubernetes {

// Each reader gives its default where the key is absent or null, and reports what is wrong. No message shows a value.
class KubeconfigPart {
 public:
  // REQUIRES: `node` and `diagnostics` outlive this. A node that is neither block nor null is reported.
  KubeconfigPart(const config::Node& node, std::string path, config::Diagnostics& diagnostics);

  const std::string& path() const { return path_; }
  int line() const { return node_.line; }
  // Null where it is absent or null; the last of several, as Go's decoders have it.
  const config::Node* find(std::string_view key) const;
  // Empty text is as if it were absent.
  bool has(std::string_view key) const;

  // One line: without control characters.
  std::string text(std::string_view key) const;
  // Whatever characters it has.
  std::string any_text(std::string_view key) const;
  Secret secret(std::string_view key) const;
  // The bytes whose base64 it is.
  Secret bytes(std::string_view key) const;
  bool flag(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;
  std::vector<KubeconfigPart> parts(std::string_view key) const;
  // An empty one where the key is absent.
  KubeconfigPart part(std::string_view key) const;
  // One for each member of this block.
  std::vector<std::string_view> keys() const;
  // The same block, reporting elsewhere.
  KubeconfigPart reporting_to(config::Diagnostics& diagnostics) const { return {node_, path_, diagnostics}; }

  // At the key's place; the empty key is the block itself.
  void error(std::string_view key, std::string message) const;

 private:
  std::string path_of(std::string_view key) const;

  const config::Node& node_;
  std::string path_;
  config::Diagnostics& diagnostics_;
};

}  // namespace shim::kubernetes
