// What a ConfigMap says, checked: the keys that it sets, which are laid over those of the local file (DESIGN 6). Pure.
//
// Its text is the value of one key of the ConfigMap, in the documented form (`sealos.address`, `sealos.auth`,
// `offlinePriority`, `registries`, `force`, `debug`, `timeout`, `reloadInterval`, `cache.*`; `version` is the
// schema's). Here the keys are those of the file: `sealos.address` is `address`, `sealos.auth` is `auth`. A key that is
// absent, null or an empty scalar is not set; an empty list of registries is.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/document.h"
#include "config/environment.h"

namespace shim::config {

class Overlay {
 public:
  struct Origin {
    std::string name;                    // for diagnostics: `ConfigMap kube-system/image-cri-shim`
    std::vector<std::string> variables;  // globs of the names that `${…}` may hold (`configMap.env`)
  };

  // Sets nothing.
  Overlay() = default;
  // Nothing where `diagnostics` got an error: no YAML, above 1 MiB (with its aliases expanded), a value that the file's
  // parser would not take, a file named
  // (`passwordFile`, `tls.cert`, `tls.key`), a variable outside of `origin.variables` or not set. Unknown keys are
  // warnings. Text of any kind and size is safe to pass.
  static std::optional<Overlay> parse(std::string_view text, const Origin& origin, const Environment& environment,
                                      std::vector<Diagnostic>& diagnostics);

  // What this one sets, and what it leaves out as `older` sets it (without lines: they are those of another text); of
  // `cache`, each key for itself.
  Overlay over(const Overlay& older) const;

  // The value of a top-level key of the file; null where it is not set. `cache` holds the keys that are set.
  const Node* find(std::string_view key) const;
  bool empty() const { return members_.empty(); }
  // Origin::name.
  const std::string& origin() const { return origin_; }
  // In the order of the documented form.
  const std::vector<Node::Member>& members() const { return members_; }
  // Whether both set the same keys to the same values, as written (variables unexpanded).
  friend bool operator==(const Overlay& left, const Overlay& right);

 private:
  // Adds what is set; `nodes` owns the values. REQUIRES: in the order of the documented form.
  Overlay(std::string origin, std::vector<Node::Member> members, std::shared_ptr<const void> nodes);

  std::string origin_;
  std::vector<Node::Member> members_;
  std::shared_ptr<const void> nodes_;  // owns the values
};

// What operators grep for, word for word, when an overlay comes into effect: `configmap: synced offlinePriority=1000`,
// `configmap: syncing registry docker.io with priority=600` for each entry, `configmap: merged 2 registries into
// config`. Without secrets.
std::vector<std::string> overlay_lines(const Overlay& overlay);

}  // namespace shim::config
