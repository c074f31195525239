// `rewrite: [{from: RE2, to: '\1'}]`: the path below an entry's address, made from the canonical `host/path`. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "image/reference.h"

namespace re2 {
class RE2;
}

namespace shim::image {

class RewriteRule {
 public:
  // Errors: the regular expression's own message; a `to` that names a group which `from` does not have.
  static Expected<RewriteRule> parse(std::string_view from, std::string_view to);
  // The repository with the first match of `from` replaced, or nothing where `from` is not found in it.
  std::optional<std::string> apply(std::string_view repository) const;
  const std::string& from() const { return from_; }
  const std::string& to() const { return to_; }
  friend bool operator==(const RewriteRule& a, const RewriteRule& b) { return a.from_ == b.from_ && a.to_ == b.to_; }

 private:
  RewriteRule() = default;

  std::string from_;
  std::string to_;
  std::shared_ptr<const re2::RE2> expression_;  // immutable, shared between copies
};

// The repository path below an entry's address: the first rule that matches decides; without one, the reference's
// path without its host. Errors: a rewrite whose result is no valid repository path.
Expected<std::string> rewritten_path(const std::vector<RewriteRule>& rules, const Reference& reference);

}  // namespace shim::image
