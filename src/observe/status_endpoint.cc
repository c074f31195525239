#include "observe/status_endpoint.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "config/environment.h"
#include "observe/config_report.h"
#include "observe/page.h"
#include "observe/status_json.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::observe {
namespace {

constexpr std::chrono::seconds kRefresh{5};

// Of a thousand registries a report takes a third of a second: one serves until the configuration is another.
class KnownReport {
 public:
  // On any thread.
  ConfigReport of(config::InUse configuration) {
    const std::lock_guard lock(mutex_);
    if (!of_ || !is_same(*of_, configuration)) {
      report_ = report_of(configuration, config::process_environment());
      of_ = std::move(configuration);
    }
    return report_;
  }

 private:
  static bool is_same(const config::InUse& left, const config::InUse& right) {
    return left.config == right.config && left.file == right.file && left.text == right.text &&
           left.overlay == right.overlay && left.problem == right.problem;
  }

  std::mutex mutex_;
  std::optional<config::InUse> of_;
  ConfigReport report_;
};

boost::asio::awaitable<Answer> answer_status(WorkerPool& workers, FindStatus find) {
  Status status = co_await find();
  auto work = [status = std::move(status)] { return to_json(status); };
  std::string body = co_await workers.run(std::move(work));
  Answer answer{.content_type = "application/json", .body = std::move(body)};
  co_return answer;
}

boost::asio::awaitable<Answer> answer_page(Request request, WorkerPool& workers, FindStatus find,
                                           config::InUse configuration, std::shared_ptr<KnownReport> known) {
  Status status = co_await find();
  std::optional<std::chrono::seconds> refresh;
  if (!request.parameter("pause")) refresh = kRefresh;
  auto work = [status = std::move(status), configuration = std::move(configuration), known = std::move(known),
               refresh]() mutable { return page(status, known->of(std::move(configuration)), refresh); };
  std::string body = co_await workers.run(std::move(work));
  Answer answer{.content_type = "text/html; charset=utf-8", .body = std::move(body)};
  answer.fields.emplace_back("Content-Security-Policy", page_policy);
  answer.fields.emplace_back("Referrer-Policy", "no-referrer");
  answer.fields.emplace_back("X-Frame-Options", "DENY");  // for browsers that do not know the policy's frame-ancestors
  co_return answer;
}

}  // namespace

Handler status_endpoint(WorkerPool& workers, FindStatus find) {
  return [&workers, find = std::move(find)](const Request&) { return answer_status(workers, find); };
}

Handler page_endpoint(WorkerPool& workers, FindStatus find, ReadConfig read) {
  return [&workers, find = std::move(find), read = std::move(read), known = std::make_shared<KnownReport>()](
             Request request) { return answer_page(std::move(request), workers, find, read(), known); };
}

}  // namespace shim::observe
