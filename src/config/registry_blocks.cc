#include "config/registry_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "config/auth_block.h"

namespace shim::config {

namespace {

constexpr std::size_t kMostRegistries = 1000;
constexpr std::string_view kExpectedAddress = "an address such as https://harbor.local";

// The reason is shown only where it cannot quote the value of a variable.
void report_invalid(Block& block, const Text& text, std::string_view expected, const Error& reason) {
  if (text.has_variables) {
    block.mismatch(text, expected);
  } else {
    block.error_at(text, reason.message);
  }
}

std::optional<std::vector<image::Pattern>> read_patterns(Block& block, std::string_view key) {
  const std::optional<std::vector<Text>> written = block.texts(key);
  if (!written) return std::nullopt;
  std::vector<image::Pattern> patterns;
  for (const Text& text : *written) {
    Expected<image::Pattern> pattern = image::Pattern::parse(text.value);
    if (pattern) {
      patterns.push_back(std::move(*pattern));
    } else {
      report_invalid(block, text, "a pattern such as *, ghcr.io or *.gcr.io", pattern.error());
    }
  }
  return patterns;
}

bool is_namespace_pattern(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '*';
  });
}

std::vector<std::string> read_namespaces(Block& block) {
  std::vector<std::string> namespaces;
  for (const Text& text : block.texts("namespaces").value_or(std::vector<Text>{})) {
    if (is_namespace_pattern(text.value)) {
      namespaces.push_back(text.value);
    } else {
      block.mismatch(text, "a namespace such as team-a or team-*");
    }
  }
  return namespaces;
}

std::vector<image::RewriteRule> read_rewrite(Block& block) {
  std::vector<image::RewriteRule> rules;
  for (Block& entry : block.blocks("rewrite", "a block with from and to")) {
    const std::optional<Text> from = entry.unexpanded_text("from", "a regular expression");
    const std::optional<Text> to = entry.unexpanded_text("to", "text");
    for (const std::string_view key : {"from", "to"}) {
      if (!entry.has(key)) entry.error(key, "is missing");
    }
    if (from && to) {
      Expected<image::RewriteRule> rule = image::RewriteRule::parse(from->value, to->value);
      if (rule) {
        rules.push_back(std::move(*rule));
      } else {
        entry.error("from", std::move(rule.error().message));
      }
    }
    entry.finish();
  }
  return rules;
}

http::TlsOptions read_tls(Block& block) {
  http::TlsOptions options;
  Block tls = block.block("tls");
  tls.optional_file("ca", options.ca);
  tls.optional_file("cert", options.cert);
  tls.optional_file("key", options.key);
  tls.flag("insecureSkipVerify", options.insecure_skip_verify);
  if (tls.has("cert") && !tls.has("key")) tls.error("cert", "a client certificate needs its key (tls.key)");
  if (tls.has("key") && !tls.has("cert")) tls.error("key", "a client key needs its certificate (tls.cert)");
  tls.finish();
  return options;
}

Routing read_routing(Block& block) {
  Routing routing;
  routing.match = read_patterns(block, "match");
  if (routing.match && routing.match->empty()) block.warning("match", "an empty list matches no image");
  routing.exclude = read_patterns(block, "exclude").value_or(std::vector<image::Pattern>{});
  routing.namespaces = read_namespaces(block);
  routing.rewrite = read_rewrite(block);
  block.choice("digestFallback", routing.digest_fallback, kDigestFallbackNames);
  routing.tls = read_tls(block);
  return routing;
}

void warn_of_idle_tls(Block& block, const std::optional<image::Address>& address, const http::TlsOptions& tls) {
  if (address && !address->is_secure() && tls != http::TlsOptions{}) {
    block.warning("tls", fmt::format("has no effect: {} is asked over plain http", address->text()));
  }
}

// Same address, same images: the one of lower priority is only ever asked when the other failed on the same host.
bool are_alike(const Registry& a, const Registry& b) {
  return a.address == b.address && a.routing.rewrite == b.routing.rewrite && effective_rule(a) == effective_rule(b);
}

}  // namespace

std::optional<image::Address> read_address(Block& block) {
  const std::optional<Text> written = block.text("address", kExpectedAddress);
  if (!written || written->value.empty()) return std::nullopt;
  if (written->value.find('@') != std::string::npos) {
    block.error_at(*written, "an address holds no user name and password; they belong under auth");
    return std::nullopt;
  }
  Expected<image::Address> address = image::Address::parse(written->value);
  if (address) return std::move(*address);
  report_invalid(block, *written, kExpectedAddress, address.error());
  return std::nullopt;
}

std::optional<int> read_priority(Block& block, std::string_view key) {
  const std::optional<Text> written = block.text(key, "a number");
  if (!written) return std::nullopt;
  long long number = 0;
  const char* end = written->value.data() + written->value.size();
  const auto [stopped, code] = std::from_chars(written->value.data(), end, number);
  if (code == std::errc::invalid_argument || stopped != end) {
    block.mismatch(*written, "a number");
    return std::nullopt;
  }
  if (code == std::errc::result_out_of_range) {
    number = written->value.starts_with('-') ? kLowestPriority - 1LL : kHighestPriority + 1LL;
  }
  if (number > kHighestPriority) {
    block.warning(key, fmt::format("{} is above {}, which is used instead", written->shown, kHighestPriority));
    return kHighestPriority;
  }
  if (number < kLowestPriority) {
    block.warning(key, fmt::format("{} is below 0: the lowest priority of all", written->shown));
    return kLowestPriority;
  }
  if (number == 0) return std::nullopt;
  return static_cast<int>(number);
}

std::optional<Registry> read_offline_registry(Block& top) {
  std::optional<image::Address> address = read_address(top);
  std::optional<Auth> auth = read_auth(top);
  const std::optional<int> priority = read_priority(top, "offlinePriority");
  Block block = top.block("offline");
  Routing routing = read_routing(block);
  warn_of_idle_tls(block, address, routing.tls);
  block.finish();
  if (address) return Registry{std::move(*address), std::move(auth), priority, std::move(routing)};
  for (const std::string_view key : {"auth", "offlinePriority", "offline"}) {
    if (top.has(key)) top.warning(key, "has no effect without address");
  }
  return std::nullopt;
}

std::vector<Registry> read_registries(Block& top) {
  std::vector<Registry> registries;
  std::vector<std::string> paths;  // of registries, for the warning about two that are alike
  std::vector<Block> entries = top.blocks("registries", "a block with address");
  if (entries.size() > kMostRegistries) {
    top.error("registries", fmt::format("more than {} entries", kMostRegistries));
    return registries;
  }
  for (Block& entry : entries) {
    std::optional<image::Address> address = read_address(entry);
    if (!entry.has("address") || entry.find("address")->text.empty()) entry.error("address", "is missing");
    std::optional<Auth> auth = read_auth(entry);
    const std::optional<int> priority = read_priority(entry, "priority");
    Routing routing = read_routing(entry);
    warn_of_idle_tls(entry, address, routing.tls);
    entry.finish();
    if (!address) continue;
    Registry registry{std::move(*address), std::move(auth), priority, std::move(routing)};
    const auto twin =
        std::ranges::find_if(registries, [&](const Registry& other) { return are_alike(other, registry); });
    if (twin != registries.end()) {
      entry.warning("address", fmt::format("the same address and match as {}", paths[twin - registries.begin()]));
    }
    registries.push_back(std::move(registry));
    paths.push_back(entry.path());
  }
  return registries;
}

}  // namespace shim::config
