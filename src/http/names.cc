#include "http/names.h"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/worker_pool.h"

namespace shim::http {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMaxNameBytes = 254;  // RFC 1035 §2.3.4, with the final dot

// Stricter than a URL, as the name goes into libcurl's `host:port:address` and into messages. Underscores are not
// RFC 952's, but people's.
bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= kMaxNameBytes && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

struct Pools {
  WorkerPool hosts_file{Names::kHostsFileThreads};
  WorkerPool known_names{Names::kKnownNameThreads};
  WorkerPool new_names{Names::kNewNameThreads};
};

std::unexpected<Names::Miss> miss(Names::Miss::Kind kind, std::string reason) {
  return std::unexpected(Names::Miss{{std::move(reason)}, kind});
}

}  // namespace

// One look-up in progress, and who waits for it.
struct Names::Flight {
  std::vector<asio::steady_timer*> waiting;
  std::optional<Expected<Addresses>> answer;
  asio::cancellation_signal stop;
};

struct Names::State {
  struct Kept {
    Addresses addresses;
    TimePoint until;
  };

  State(asio::any_io_executor executor_of_all, Options chosen)
      : executor(std::move(executor_of_all)), options(std::move(chosen)) {}

  const Addresses* fresh(const std::string& host) const {
    const auto found = kept.find(host);
    return found != kept.end() && options.now() < found->second.until ? &found->second.addresses : nullptr;
  }
  void keep(const std::string& host, const Addresses& addresses) {
    if (kept.size() >= kMaxKept && !kept.contains(host)) {
      kept.erase(std::ranges::min_element(kept, {}, [](const auto& entry) { return entry.second.until; }));
    }
    kept[host] = {addresses, options.now() + kKeptFor};
  }

  asio::any_io_executor executor;
  Options options;
  std::optional<Pools> pools{std::in_place};  // none once stopped
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights;
  std::unordered_map<std::string, Kept> kept;  // those past their time say which names are known
};

// Keeps a waiter's alarm in a flight for as long as its coroutine waits.
class Names::Waiting {
 public:
  Waiting(Flight& flight, asio::steady_timer& alarm) : flight_(flight), alarm_(alarm) {
    flight_.waiting.push_back(&alarm_);
  }
  Waiting(Waiting&&) = delete;
  ~Waiting() { std::erase(flight_.waiting, &alarm_); }

 private:
  Flight& flight_;
  asio::steady_timer& alarm_;
};

Names::Names(asio::any_io_executor executor, Options options)
    : state_(std::make_shared<State>(std::move(executor), std::move(options))) {}

Names::~Names() {
  stop();
}

void Names::stop() {
  state_->pools.reset();
  const auto flights = std::exchange(state_->flights, {});
  for (const auto& [host, flight] : flights) flight->stop.emit(asio::cancellation_type::terminal);
}

asio::awaitable<Names::Found> Names::find(std::string host, TimePoint deadline) {
  const std::shared_ptr<State> state = state_;
  if (Addresses addresses = addresses_without_look_up(host); !addresses.empty()) co_return addresses;
  if (!is_host_name(host)) co_return miss(Miss::Kind::failed, "it is not a host name");
  if (const Addresses* addresses = state->fresh(host)) co_return *addresses;
  if (!state->pools) co_return miss(Miss::Kind::cancelled, "cancelled");

  std::shared_ptr<Flight> flight;
  if (const auto found = state->flights.find(host); found != state->flights.end()) {
    flight = found->second;
  } else if (state->flights.size() >= kMaxLookUps) {
    co_return miss(Miss::Kind::crowded, "too many other names are being looked up");
  } else {
    flight = std::make_shared<Flight>();
    state->flights.emplace(host, flight);
    asio::co_spawn(state->executor, fly(state, host, flight),
                   asio::bind_cancellation_slot(flight->stop.slot(), asio::detached));
  }

  asio::steady_timer alarm(state->executor, deadline);
  const Waiting waiting(*flight, alarm);
  boost::system::error_code ended;  // by the answer and by the caller's cancel alike
  if (!flight->answer) co_await alarm.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  if (!flight->answer) {
    co_return ended ? miss(Miss::Kind::cancelled, "cancelled")
                    : miss(Miss::Kind::timed_out, "no answer of the name server");
  }
  if (!*flight->answer) co_return miss(Miss::Kind::failed, flight->answer->error().message);
  co_return **flight->answer;
}

asio::awaitable<void> Names::fly(std::shared_ptr<State> state, std::string host, std::shared_ptr<Flight> flight) {
  try {
    if (!state->pools) throw boost::system::system_error(asio::error::operation_aborted);
    auto in_file = [file = state->options.hosts_file, host] { return look_up_in_file(file, host); };
    Expected<Addresses> answer = co_await state->pools->hosts_file.run(std::move(in_file));
    if (answer->empty()) {
      if (!state->pools) throw boost::system::system_error(asio::error::operation_aborted);
      // A name that hangs this time has lost its place among the known ones.
      const bool is_known = state->kept.erase(host) > 0;
      auto by_system = [look_up = state->options.look_up, host] { return look_up(host); };
      WorkerPool& pool = is_known ? state->pools->known_names : state->pools->new_names;
      answer = co_await pool.run(std::move(by_system));
    }
    if (answer) state->keep(host, *answer);
    flight->answer = std::move(answer);
    state->flights.erase(host);
  } catch (const boost::system::system_error&) {
    // stopped, maybe between two steps: who waits finds no answer
  }
  for (asio::steady_timer* alarm : flight->waiting) alarm->cancel();
}

}  // namespace shim::http
