#include "registry/challenge.h"

#include <algorithm>

namespace shim::registry {
namespace {

constexpr std::size_t kMaxFieldBytes = 16 * 1024;
constexpr std::size_t kMaxChallenges = 8;
constexpr std::size_t kMaxParameters = 16;

// `tchar` of RFC 9110 §5.6.2.
bool is_token_character(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kMarks.find(c) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return lowered;
}

class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : text_(text) {}

  std::optional<Challenge> next() {
    skip(" \t,");
    const std::string_view scheme = token();
    if (scheme.empty()) return std::nullopt;
    Challenge challenge{.scheme = lower(scheme), .parameters = {}};
    while (challenge.parameters.size() < kMaxParameters) {
      const std::size_t before = at_;
      auto parameter = next_parameter();
      if (!parameter) {
        if (!is_broken_) at_ = before;  // what follows is the next challenge
        break;
      }
      challenge.parameters.push_back(std::move(*parameter));
    }
    return challenge;
  }

 private:
  // `name = value` or `name = "quoted value"`. A token68 (`Negotiate YWJj==`) reads as a parameter of that name.
  std::optional<std::pair<std::string, std::string>> next_parameter() {
    skip(" \t,");
    const std::string_view name = token();
    skip(" \t");
    if (name.empty() || !take('=')) return std::nullopt;
    skip(" \t=");
    if (!take('"')) return std::pair(lower(name), std::string(token()));
    auto value = rest_of_quoted_string();
    if (!value) return std::nullopt;
    return std::pair(lower(name), std::move(*value));
  }

  std::optional<std::string> rest_of_quoted_string() {
    std::string value;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        return value;
      }
      if (text_[at_] == '\\' && ++at_ == text_.size()) break;
      value += text_[at_];
    }
    is_broken_ = true;
    at_ = text_.size();
    return std::nullopt;
  }

  std::string_view token() {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_token_character(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }
  void skip(std::string_view characters) {
    while (at_ < text_.size() && characters.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool is_broken_ = false;
};

}  // namespace

std::optional<std::string_view> Challenge::find(std::string_view name) const {
  for (const auto& [known, value] : parameters) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::vector<Challenge> parse_challenges(std::span<const std::string_view> fields) {
  std::vector<Challenge> challenges;
  for (const std::string_view field : fields) {
    FieldReader reader(field.substr(0, kMaxFieldBytes));
    while (challenges.size() < kMaxChallenges) {
      auto challenge = reader.next();
      if (!challenge) break;
      challenges.push_back(std::move(*challenge));
    }
  }
  return challenges;
}

}  // namespace shim::registry
