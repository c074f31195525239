#include "observe/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace shim::observe {
namespace {

using Kind = Condition::Kind;

Answer answer_of(const Handler& handler, const std::string& target) {
  boost::asio::io_context io;
  std::optional<Answer> answer;
  boost::asio::co_spawn(io, handler(*parse_target(target)),
                        [&](std::exception_ptr, Answer said) { answer = std::move(said); });
  io.run();
  return *answer;
}

boost::asio::awaitable<std::vector<Condition>> conditions_of(std::vector<Condition> conditions) {
  co_return conditions;
}

Answer readiness(const std::vector<Condition>& conditions, const std::string& target = "/readyz") {
  return answer_of(readyz_endpoint([conditions] { return conditions_of(conditions); }), target);
}

TEST(Liveness, IsOk) {
  const Answer answer = answer_of(livez_endpoint(), "/livez");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "ok\n");
}

TEST(Readiness, IsOkWhereAllIsGood) {
  const Answer answer = readiness({{"runtime", Kind::good, ""}, {"configuration", Kind::good, ""}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "ok\n");
}

TEST(Readiness, TellsEveryConditionToWhoWantsItVerbose) {
  const Answer answer = readiness({{"runtime", Kind::good, ""}, {"configuration", Kind::good, ""}}, "/readyz?verbose");
  EXPECT_EQ(answer.body, "ok\n[+]runtime\n[+]configuration\n");
}

TEST(Readiness, IsStillThereWhereSomethingIsDegraded) {
  const Answer answer = readiness({{"runtime", Kind::good, ""}, {"configuration", Kind::degraded, "bad\nfile"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "degraded\n[!]configuration: bad\\nfile\n");
}

TEST(Readiness, IsNotThereWhereSomethingFailed) {
  const Answer answer = readiness({{"runtime", Kind::failed, "gone"}, {"configuration", Kind::degraded, "bad"}});
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "failed\n[-]runtime: gone\n[!]configuration: bad\n");
}

}  // namespace
}  // namespace shim::observe
