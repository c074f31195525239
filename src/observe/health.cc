#include "observe/health.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace shim::observe {
namespace {

constexpr int kOk = 200;
constexpr int kUnavailable = 503;
constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::array<std::string_view, 3> kWords = {"ok", "degraded", "failed"};  // by Condition::Kind

std::string line_of(const Condition& condition) {
  if (condition.kind == Condition::Kind::good) return "[+]" + condition.name + "\n";
  const char sign = condition.kind == Condition::Kind::failed ? '-' : '!';
  return std::string("[") + sign + "]" + condition.name + ": " + printable(condition.reason) + "\n";
}

boost::asio::awaitable<Answer> answer_livez(Request) {
  Answer answer{.content_type = std::string(kText), .body = "ok\n"};
  co_return answer;
}

boost::asio::awaitable<Answer> answer_readyz(Request request, FindConditions find) {
  const std::vector<Condition> conditions = co_await find();
  const bool is_verbose = request.parameter("verbose").has_value();
  Condition::Kind worst = Condition::Kind::good;
  std::string lines;
  for (const Condition& condition : conditions) {
    worst = std::max(worst, condition.kind);
    if (is_verbose || condition.kind != Condition::Kind::good) lines += line_of(condition);
  }
  Answer answer{.status = worst == Condition::Kind::failed ? kUnavailable : kOk,
                .content_type = std::string(kText),
                .body = std::string(kWords[static_cast<std::size_t>(worst)]) + "\n" + lines};
  co_return answer;
}

}  // namespace

Handler livez_endpoint() {
  return answer_livez;
}

Handler readyz_endpoint(FindConditions find) {
  return [find = std::move(find)](Request request) { return answer_readyz(std::move(request), find); };
}

}  // namespace shim::observe
