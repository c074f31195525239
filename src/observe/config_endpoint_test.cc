#include "observe/config_endpoint.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "observe/config_report.h"

namespace shim::observe {
namespace {

TEST(Config, IsAnsweredAsItIsInUse) {
  boost::asio::io_context io;
  WorkerPool workers(1);
  const config::InUse configuration{
      .config = {}, .file = "/etc/f.yaml", .text = "debug: false", .overlay = {}, .problem = {}};
  const Handler handler = config_endpoint(workers, [&] { return configuration; });
  std::optional<Answer> answer;
  boost::asio::co_spawn(io, handler(*parse_target("/config")),
                        [&](std::exception_ptr, Answer said) { answer = std::move(said); });
  io.run();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->content_type, "application/json");
  const auto report = config_report_from_json(answer->body);
  ASSERT_TRUE(report);
  EXPECT_EQ(*report, report_of(configuration, config::process_environment()));
}

}  // namespace
}  // namespace shim::observe
