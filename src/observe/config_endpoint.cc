#include "observe/config_endpoint.h"

#include <string>
#include <utility>

#include "observe/config_report.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::observe {
namespace {

boost::asio::awaitable<Answer> answer_config(WorkerPool& workers, config::InUse configuration) {
  auto work = [configuration = std::move(configuration)] {
    return to_json(report_of(configuration, config::process_environment()));
  };
  std::string body = co_await workers.run(std::move(work));
  Answer answer{.content_type = "application/json", .body = std::move(body)};
  co_return answer;
}

}  // namespace

Handler config_endpoint(WorkerPool& workers, ReadConfig read) {
  return [&workers, read = std::move(read)](const Request&) { return answer_config(workers, read()); };
}

}  // namespace shim::observe
