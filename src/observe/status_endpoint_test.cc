#include "observe/status_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <string>
#include <utility>

#include "observe/page.h"
#include "observe/status_json.h"
#include "observe/status_testing.h"

namespace shim::observe {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

boost::asio::awaitable<Status> find_status() {
  co_return status_where_all_is_well();
}

config::InUse in_use(std::string text) {
  return {.config = {}, .file = "/f.yaml", .text = std::move(text), .overlay = {}, .problem = {}};
}

class TheEndpoints : public ::testing::Test {
 protected:
  Answer get(const Handler& handler, Request request = {}) {
    Answer answer;
    boost::asio::co_spawn(io_, handler(std::move(request)), [&](const std::exception_ptr& error, Answer given) {
      EXPECT_FALSE(error);
      answer = std::move(given);
    });
    io_.run();
    io_.restart();
    return answer;
  }

  boost::asio::io_context io_{1};
  WorkerPool workers_{1};
  std::string text_;
  const Handler page_ = page_endpoint(workers_, find_status, [this] { return in_use(text_); });
};

TEST_F(TheEndpoints, AnswerProgramsWithJson) {
  const Answer answer = get(status_endpoint(workers_, find_status));
  EXPECT_EQ(answer.content_type, "application/json");
  const auto status = status_from_json(answer.body);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(*status, status_where_all_is_well());
}

TEST_F(TheEndpoints, AnswerPeopleWithAPageUnderItsPolicy) {
  const Answer answer = get(page_);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(answer.fields, Contains(Pair("Content-Security-Policy", std::string(page_policy))));
  EXPECT_THAT(answer.fields, Contains(Pair("Referrer-Policy", "no-referrer")));
  EXPECT_THAT(answer.body, HasSubstr("http-equiv=\"refresh\""));
}

TEST_F(TheEndpoints, PauseThePageWhereItIsAskedFor) {
  EXPECT_THAT(get(page_, {.path = "/", .query = {{"pause", ""}}}).body, Not(HasSubstr("http-equiv")));
}

TEST_F(TheEndpoints, ShowAConfigurationThatHasChangedSinceTheLastPage) {
  EXPECT_THAT(get(page_).body, Not(HasSubstr("/f.yaml:2")));
  text_ = "\ndebug: false\n";
  EXPECT_THAT(get(page_).body, HasSubstr("/f.yaml:2"));
}

}  // namespace
}  // namespace shim::observe
