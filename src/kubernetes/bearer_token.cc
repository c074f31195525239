#include "kubernetes/bearer_token.h"

#include <algorithm>
#include <string>
#include <utility>

namespace shim::kubernetes {

Expected<Secret> bearer_token(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  text = text.substr(0, text.find_last_not_of(kSpace) + 1);
  if (text.empty()) return fail("is empty");
  const auto is_visible = [](char c) { return c > ' ' && c < '\x7f'; };
  if (!std::ranges::all_of(text, is_visible)) return fail("holds a character that no token has");
  return Secret(text);
}

Secret bearer_authorization(const Secret& token) {
  constexpr std::string_view kScheme = "Bearer ";
  std::string value;
  value.reserve(kScheme.size() + token.reveal().size());  // one allocation: no copy of it stays behind
  value.append(kScheme).append(token.reveal());
  return Secret(std::move(value));
}

}  // namespace shim::kubernetes
