#include "kubernetes/kubeconfig.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/diagnostic.h"
#include "config/document.h"
#include "kubernetes/kubeconfig_entries.h"
#include "kubernetes/kubeconfig_part.h"

namespace shim::kubernetes {

using config::Diagnostic;
using config::Diagnostics;
using config::Document;

namespace {

// All errors in one line.
Error error_of(Diagnostics& diagnostics) {
  Error error;
  for (const Diagnostic& diagnostic : diagnostics.take()) {
    if (diagnostic.severity != config::Severity::error) continue;
    error.message += (error.message.empty() ? "" : "; ") + to_string(diagnostic);
  }
  return error;
}

std::unexpected<Error> wrong(const std::string& file, int line, std::string_view path, std::string message) {
  return fail(to_string(Diagnostic{config::Severity::error, file, line, std::string(path), std::move(message)}));
}

// JSON is YAML but for its tabs, which stand between its tokens only.
std::optional<Document> parse_document(std::string_view text, Diagnostics& diagnostics) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string_view::npos && text[first] == '{';
  if (!is_json || text.find('\t') == std::string_view::npos) return Document::parse(text, diagnostics);
  std::string spaced(text);
  std::ranges::replace(spaced, '\t', ' ');
  return Document::parse(spaced, diagnostics);
}

// REQUIRES: `file` is absolute.
std::string_view folder_of(std::string_view file) {
  return file.substr(0, std::max<std::size_t>(file.rfind('/'), 1));
}

}  // namespace

struct Kubeconfig::Reader {
  // The entries of `clusters: [{name: N, cluster: {…}}]`, and of the other lists like it. What is wrong with one stays
  // with it.
  template <class Value>
  void entries(std::string_view list, std::string_view key, Value (*read)(const KubeconfigPart&, std::string_view),
               Entries<Value>& entries) const {
    for (const KubeconfigPart& each : top.parts(list)) {
      Diagnostics own(file);
      Expected<Value> entry = read(each.reporting_to(own).part(key), folder_of(file));
      if (own.error_count() > 0) entry = std::unexpected(error_of(own));
      if (!entries.try_emplace(each.text("name"), std::move(entry)).second) said_twice(each);
    }
  }
  void contexts(std::map<std::string, Context, std::less<>>& contexts) const {
    for (const KubeconfigPart& each : top.parts("contexts")) {
      const KubeconfigPart part = each.part("context");
      Context context{file, part.line(), part.path(), part.text("cluster"), part.text("user")};
      if (!contexts.try_emplace(each.text("name"), std::move(context)).second) said_twice(each);
    }
  }
  static void said_twice(const KubeconfigPart& part) {
    part.error("name", fmt::format("{} stands twice in this list", in_quotes(part.text("name"), 128)));
  }

  const KubeconfigPart& top;
  const std::string& file;
};

Expected<Kubeconfig> Kubeconfig::parse(std::string_view text, const std::string& file) {
  Diagnostics diagnostics(printable(file, 512));
  const auto document = parse_document(text, diagnostics);
  if (!document) return std::unexpected(error_of(diagnostics));
  const KubeconfigPart top(document->root(), "", diagnostics);
  for (const auto& [key, expected] : {std::pair("apiVersion", "v1"), std::pair("kind", "Config")}) {
    const std::string written = top.text(key);
    if (!written.empty() && written != expected) {
      top.error(key, fmt::format("expected {}, got {}: no kubeconfig", expected, in_quotes(written, 64)));
    }
  }
  Kubeconfig kubeconfig;
  kubeconfig.file_ = file;
  kubeconfig.current_context_ = top.text("current-context");
  const Reader reader{top, file};
  reader.entries("clusters", "cluster", &read_cluster, kubeconfig.clusters_);
  reader.entries("users", "user", &read_user, kubeconfig.users_);
  reader.contexts(kubeconfig.contexts_);
  if (diagnostics.error_count() > 0) return std::unexpected(error_of(diagnostics));
  return kubeconfig;
}

void Kubeconfig::merge(Kubeconfig next) {
  if (current_context_.empty()) current_context_ = std::move(next.current_context_);
  clusters_.merge(next.clusters_);
  users_.merge(next.users_);
  contexts_.merge(next.contexts_);
}

Expected<Identity> Kubeconfig::identity() const {
  if (current_context_.empty()) return wrong(file_, 0, "current-context", "is not set");
  const auto found = contexts_.find(current_context_);
  if (found == contexts_.end()) {
    return wrong(file_, 0, "current-context", fmt::format("there is no context {}", in_quotes(current_context_, 128)));
  }
  const Context& context = found->second;
  const auto named = [&](std::string_view key, std::string_view name) {
    return wrong(context.file, context.line, fmt::format("{}.{}", context.path, key),
                 name.empty() ? "is missing" : fmt::format("there is no {} {}", key, in_quotes(name, 128)));
  };
  const auto cluster = clusters_.find(context.cluster);
  if (context.cluster.empty() || cluster == clusters_.end()) return named("cluster", context.cluster);
  if (!cluster->second) return std::unexpected(cluster->second.error());
  Identity identity{.cluster = *cluster->second};
  if (context.user.empty()) {
    identity.name = fmt::format("{} (no user)", printable(context.file, 512));
    return identity;
  }
  const auto user = users_.find(context.user);
  if (user == users_.end()) return named("user", context.user);
  if (!user->second) return std::unexpected(user->second.error());
  identity.user = *user->second;
  identity.name = fmt::format("{} (user {})", printable(context.file, 512), printable(context.user, 128));
  return identity;
}

}  // namespace shim::kubernetes
