#include "kubernetes/pem.h"

#include <algorithm>
#include <optional>

namespace shim::kubernetes {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";

struct Block {
  std::string_view label;
  std::string_view text;  // from `-----BEGIN` to the dashes at its end
};

// Takes the next block off the front of `rest`; nothing where there is none. One without its end has an empty text, and
// is the last.
std::optional<Block> take_block(std::string_view& rest) {
  std::size_t begin = rest.find(kBegin);
  while (begin != std::string_view::npos && begin > 0 && rest[begin - 1] != '\n') begin = rest.find(kBegin, begin + 1);
  if (begin == std::string_view::npos) return std::nullopt;
  rest.remove_prefix(begin);
  const std::string_view after = rest.substr(kBegin.size());
  const std::string_view label = after.substr(0, std::min(after.find(kDashes), after.find('\n')));
  const std::string end_line = std::string(kEnd).append(label).append(kDashes);
  const std::size_t end = rest.find(end_line);
  if (end == std::string_view::npos) {
    rest = {};
    return Block{label, {}};
  }
  const std::string_view text = rest.substr(0, end + end_line.size());
  rest.remove_prefix(text.size());
  return Block{label, text};
}

}  // namespace

Expected<std::string> certificates_of(std::string_view pem) {
  std::string certificates;
  while (const auto block = take_block(pem)) {
    if (block->label != "CERTIFICATE") continue;
    if (block->text.empty()) return fail("holds a certificate that has no end");
    certificates.append(block->text).append("\n");
  }
  if (certificates.empty()) return fail("holds no certificate in PEM");
  return certificates;
}

Expected<Secret> private_key_of(std::string_view pem) {
  while (const auto block = take_block(pem)) {
    if (!block->label.ends_with("PRIVATE KEY")) continue;
    if (block->text.empty()) return fail("holds a private key that has no end");
    const bool is_encrypted =
        block->label.starts_with("ENCRYPTED") || block->text.find("Proc-Type: 4,ENCRYPTED") != std::string_view::npos;
    if (is_encrypted) return fail("holds an encrypted private key, and nobody can be asked for its password");
    std::string key;
    key.reserve(block->text.size() + 1);
    key.append(block->text).append("\n");
    return Secret(std::move(key));
  }
  return fail("holds no private key in PEM");
}

}  // namespace shim::kubernetes
