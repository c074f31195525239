#include "image/match.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "base/text.h"
#include "image/grammar.h"

namespace shim::image {

// Goes back only to the last `*`, so the time is at most the product of the lengths.
bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t g = 0, t = 0;
  std::size_t star = glob.npos, star_text = 0;  // the last `*`, and where what follows it was last tried
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      star_text = t;
    } else if (g < glob.size() && glob[g] == text[t]) {
      ++g;
      ++t;
    } else if (star != glob.npos) {
      g = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', g) == glob.npos;
}

namespace {

std::unexpected<Error> invalid(std::string_view text, std::string_view rule) {
  return fail(fmt::format("invalid pattern {}: {}", in_quotes(text), rule));
}

// `path` itself, or anything below it: `org` is not `organic`.
bool is_at_or_below(std::string_view pattern, std::string_view path) {
  if (pattern.find('*') == pattern.npos) {
    return path.starts_with(pattern) && (path.size() == pattern.size() || path[pattern.size()] == '/');
  }
  return glob_matches(pattern, path) || glob_matches(std::string(pattern) + "/*", path);
}

bool path_matches(std::string_view pattern, const Reference& reference) {
  if (is_at_or_below(pattern, reference.path())) return true;
  // `docker.io/nginx` is how people write docker.io/library/nginx.
  std::string_view path = reference.path();
  if (reference.host() != kDockerHub || !path.starts_with(kOfficialNamespace)) return false;
  return is_at_or_below(pattern, path.substr(kOfficialNamespace.size()));
}

Expected<void> check_pattern_path(std::string_view path) {
  if (path.find_first_of(":@") != path.npos) return fail("it must not hold a tag or a digest");
  // A glob stands where a letter may stand: `*` and what it joins must then be a valid path.
  std::string sample(path);
  std::ranges::replace(sample, '*', 'x');
  return check_path(sample);
}

// REQUIRES: `host` is not `*`.
Expected<void> check_pattern_host(std::string_view host, bool is_suffix) {
  if (host.find('*') != host.npos)
    return fail("in a host \"*\" stands only for whole labels at its beginning: *.gcr.io");
  if (auto checked = check_host(host); !checked) return checked;
  if (is_suffix || is_host_component(host)) return {};
  return fail(fmt::format("{} is no host; for images of Docker Hub write docker.io/{}", in_quotes(host, 64),
                          printable(host, 64)));
}

}  // namespace

Expected<Pattern> Pattern::parse(std::string_view text) {
  if (text.empty()) return invalid(text, "it is empty; write * for every image");
  if (text.find("://") != text.npos) return invalid(text, "it must not hold a scheme; write host or host/path");
  std::string_view host = text.substr(0, text.find('/'));
  std::string_view path = text.substr(std::min(host.size() + 1, text.size()));
  if (path.ends_with('/')) path.remove_suffix(1);
  if (host.find('@') != host.npos) return invalid(text, "it must not hold a tag or a digest");

  Pattern pattern;
  pattern.text_ = text;
  if (host != "*") {
    pattern.host_is_suffix_ = host.starts_with("*.");
    if (pattern.host_is_suffix_) host.remove_prefix(2);
    if (auto checked = check_pattern_host(host, pattern.host_is_suffix_); !checked) {
      return invalid(text, checked.error().message);
    }
    pattern.host_ = normal_host((pattern.host_is_suffix_ ? "." : "") + std::string(host));
  }
  if (path.empty()) return pattern;
  if (auto checked = check_pattern_path(path); !checked) return invalid(text, checked.error().message);
  if (path != "*") pattern.path_ = path;
  return pattern;
}

bool Pattern::matches(const Reference& reference) const {
  const std::string_view host = reference.host();
  const bool host_matches = host_.empty() || (host_is_suffix_ ? host.ends_with(host_) : host == host_);
  return host_matches && (path_.empty() || path_matches(path_, reference));
}

bool MatchRule::matches(const Reference& reference, std::string_view pod_namespace) const {
  const auto matches_reference = [&](const Pattern& pattern) { return pattern.matches(reference); };
  if (std::ranges::none_of(match, matches_reference)) return false;
  if (std::ranges::any_of(exclude, matches_reference)) return false;
  if (namespaces.empty()) return true;
  return !pod_namespace.empty() &&
         std::ranges::any_of(namespaces, [&](const std::string& glob) { return glob_matches(glob, pod_namespace); });
}

MatchRule default_rule(const Address& address) {
  std::string_view host = address.host();
  const auto colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) host = host.substr(0, colon);
  auto pattern = Pattern::parse(is_public_registry(host) ? origin_of_public_registry(host) : "*");
  assert(pattern.has_value());
  return {.match = {std::move(*pattern)}, .exclude = {}, .namespaces = {}};
}

}  // namespace shim::image
