#include "image/rewrite.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/text.h"
#include "image/grammar.h"

namespace shim::image {

Expected<RewriteRule> RewriteRule::parse(std::string_view from, std::string_view to) {
  if (from.empty()) return fail("invalid rewrite: `from` is empty");
  RE2::Options options;
  options.set_log_errors(false);                       // the error is returned; RE2 would write to stderr
  options.set_encoding(RE2::Options::EncodingLatin1);  // repositories are ASCII
  options.set_max_mem(1 << 20);                        // program and DFA cache of one rule
  RewriteRule rule;
  rule.from_ = from;
  rule.to_ = to;
  auto expression = std::make_shared<RE2>(re2::StringPiece(from.data(), from.size()), options);
  if (!expression->ok()) {
    return fail(fmt::format("invalid rewrite: `from` {} is no RE2 expression: {}", in_quotes(from),
                            printable(expression->error(), 256)));
  }
  std::string why;
  if (!expression->CheckRewriteString(re2::StringPiece(to.data(), to.size()), &why)) {
    return fail(fmt::format("invalid rewrite: `to` {} does not fit `from` {}: {}", in_quotes(to), in_quotes(from),
                            printable(why, 256)));
  }
  rule.expression_ = std::move(expression);
  return rule;
}

std::optional<std::string> RewriteRule::apply(std::string_view repository) const {
  std::string out(repository);
  if (!RE2::Replace(&out, *expression_, re2::StringPiece(to_.data(), to_.size()))) return std::nullopt;
  return out;
}

Expected<std::string> rewritten_path(const std::vector<RewriteRule>& rules, const Reference& reference) {
  const std::string repository = reference.repository();
  for (const RewriteRule& rule : rules) {
    auto path = rule.apply(repository);
    if (!path) continue;
    if (auto checked = check_path(*path); !checked) {
      return fail(fmt::format("the rewrite of {} to {} makes {} of {}, which is no repository: {}",
                              in_quotes(rule.from()), in_quotes(rule.to()), in_quotes(*path), repository,
                              checked.error().message));
    }
    return std::move(*path);
  }
  return reference.path();
}

}  // namespace shim::image
