#include "commands/copy_keeper.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "config/kept_copy.h"

namespace shim::commands {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::minutes kRetry{1};

}  // namespace

struct CopyKeeper::State {
  State(const asio::any_io_executor& its_executor, WorkerPool& its_workers, std::optional<std::string> its_there,
        Listener its_listener)
      : executor(its_executor),
        workers(its_workers),
        listener(std::move(its_listener)),
        there(std::move(its_there)),
        retry(executor) {}

  const asio::any_io_executor executor;
  WorkerPool& workers;
  const Listener listener;
  std::string folder;
  std::string text;                  // to keep
  std::optional<std::string> there;  // on the disk
  asio::steady_timer retry;
  bool is_writing = false;
  bool is_closed = false;
};

asio::awaitable<void> CopyKeeper::write(std::shared_ptr<State> state) {
  while (!state->is_closed && state->there != state->text) {
    std::string text = state->text;
    auto work = [folder = state->folder, text] { return config::keep_copy(folder, text); };
    const Expected<void> written = co_await state->workers.run(std::move(work));
    if (state->is_closed) co_return;
    state->listener(written ? "" : written.error().message);
    if (written) {
      state->there = std::move(text);
      continue;
    }
    boost::system::error_code cancelled;  // by another text, or by the end
    state->retry.expires_after(kRetry);
    co_await state->retry.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
  state->is_writing = false;
}

CopyKeeper::CopyKeeper(asio::any_io_executor executor, WorkerPool& workers, std::optional<std::string> there,
                       Listener listener)
    : state_(std::make_shared<State>(executor, workers, std::move(there), std::move(listener))) {}

CopyKeeper::~CopyKeeper() {
  state_->is_closed = true;
  state_->retry.cancel();
}

void CopyKeeper::keep(const std::string& state_directory, const std::string& text) {
  if (text != state_->text) state_->retry.cancel();
  state_->folder = state_directory;
  state_->text = text;
  if (std::exchange(state_->is_writing, true)) return;
  asio::co_spawn(state_->executor, write(state_), asio::detached);
}

}  // namespace shim::commands
