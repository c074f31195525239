#include "registry/circuits.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <optional>
#include <random>
#include <utility>

#include "base/units.h"

// GCC 12 at -O2 takes Asio's operator delete of a coroutine frame for the wrong one.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace shim::registry {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

double random_fraction() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

// For people: whole seconds, or milliseconds below one.
std::string rounded(std::chrono::nanoseconds duration) {
  duration = std::max(duration, std::chrono::nanoseconds(0));
  if (duration < std::chrono::seconds(1)) return format_duration(std::chrono::round<milliseconds>(duration));
  return format_duration(std::chrono::round<std::chrono::seconds>(duration));
}

std::string next_check_text(const Breaker::Status& status, Clock::time_point now) {
  if (!status.next_check) return "being checked";
  return "next check in " + rounded(*status.next_check - now);
}

// As long as a probe may take, but not much longer than an interval, so that a check which began just before the
// registry's return does not hold up the next; not below the second (or the whole probe) from which on a time-out
// counts.
milliseconds check_timeout(const Breaker::Options& breaker, milliseconds probe_timeout) {
  const auto interval = std::chrono::ceil<milliseconds>(breaker.recovery_interval);
  return std::min(probe_timeout, std::max(interval, milliseconds(1000)));
}

}  // namespace

struct Circuits::Circuit {
  Circuit(const Entry& first, const Options& chosen)
      : entry(std::make_shared<const Entry>(first)), options(chosen), breaker(chosen.breaker, &random_fraction) {}

  // REQUIRES: both have the same API URL.
  bool is_of(const Entry& other) const { return entry->tls == other.tls; }
  bool has(const Options& other) const {
    return options.breaker.failure_threshold == other.breaker.failure_threshold &&
           options.breaker.recovery_interval == other.breaker.recovery_interval &&
           options.probe_timeout == other.probe_timeout;
  }
  void record(const Outcome& outcome);
  void log_opened() const;

  std::shared_ptr<const Entry> entry;  // the first on this registry: whose credentials a check has
  const Options options;
  Breaker breaker;
  Outcome::Kind failure = Outcome::Kind::unreachable;  // how it failed last …
  Health health{};                                     // … and what that shows
  std::weak_ptr<Watch> watch;                          // who checks it
};

// Checks breakers when they are due. Kept by its Circuits alone: neither its timer nor a check in progress does.
class Circuits::Watch : public std::enable_shared_from_this<Watch> {
 public:
  Watch(std::vector<std::shared_ptr<Circuit>> circuits, std::shared_ptr<RegistryClient> client,
        asio::any_io_executor executor)
      : circuits_(std::move(circuits)), client_(std::move(client)), timer_(executor), executor_(std::move(executor)) {}

  // A breaker may have changed when it is to be checked.
  void schedule();

 private:
  void check_what_is_due();
  static asio::awaitable<void> check(std::shared_ptr<Circuit> circuit, std::shared_ptr<RegistryClient> client);

  const std::vector<std::shared_ptr<Circuit>> circuits_;  // each once
  const std::shared_ptr<RegistryClient> client_;
  asio::steady_timer timer_;
  const asio::any_io_executor executor_;
  std::optional<Clock::time_point> armed_for_;
};

void Circuits::Circuit::record(const Outcome& outcome) {
  const auto now = Clock::now();
  const Breaker::Status before = breaker.status();
  breaker.record(outcome.health, outcome.reason, now);
  if (outcome.health.kind != Health::Kind::answered && outcome.health.kind != Health::Kind::unknown) {
    failure = outcome.kind;
    health = outcome.health;
  }
  if (breaker.is_open() && !before.is_open) log_opened();
  if (!breaker.is_open() && before.is_open) {
    spdlog::info("registry {} answers again after {}", entry->address.text(),
                 rounded(now - before.since.value_or(now)));
  }
  if (const auto watching = watch.lock()) watching->schedule();
}

void Circuits::Circuit::log_opened() const {
  const Breaker::Status status = breaker.status();
  spdlog::warn("registry {} is left out: {}; {}", entry->address.text(), status.reason,
               next_check_text(status, Clock::now()));
}

void Circuits::Watch::schedule() {
  std::optional<Clock::time_point> earliest;
  for (const auto& circuit : circuits_) {
    const auto due = circuit->breaker.check_due();
    if (due && (!earliest || *due < *earliest)) earliest = due;
  }
  if (earliest == armed_for_) return;
  armed_for_ = earliest;
  timer_.cancel();
  if (!earliest) return;
  timer_.expires_at(*earliest);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->check_what_is_due();
  });
}

void Circuits::Watch::check_what_is_due() {
  armed_for_.reset();
  const auto now = Clock::now();
  for (const auto& circuit : circuits_) {
    const auto due = circuit->breaker.check_due();
    if (!due || *due > now) continue;
    circuit->breaker.check_started(now);
    asio::co_spawn(executor_, check(circuit, client_), asio::detached);
  }
  schedule();
}

asio::awaitable<void> Circuits::Watch::check(std::shared_ptr<Circuit> circuit, std::shared_ptr<RegistryClient> client) {
  const std::shared_ptr<const Entry> entry = circuit->entry;  // a reload may change the circuit's meanwhile
  const auto timeout = check_timeout(circuit->options.breaker, circuit->options.probe_timeout);
  try {
    const Outcome outcome = co_await client->ping(*entry, Clock::now() + timeout);
    spdlog::debug("registry {} checked: {}", entry->address.text(),
                  outcome.reason.empty() ? "it is well" : outcome.reason);
    circuit->record(outcome);
  } catch (const std::exception& error) {
    spdlog::error("the check of registry {} failed in the shim itself: {}", entry->address.text(), error.what());
  }
  circuit->breaker.check_ended(Clock::now());
  if (const auto watching = circuit->watch.lock()) watching->schedule();
}

template <class Predicate>
std::shared_ptr<Circuits::Circuit> Circuits::find(const std::vector<std::shared_ptr<Circuit>>& circuits,
                                                  Predicate is_it) {
  const auto found = std::ranges::find_if(circuits, [&](const auto& each) { return is_it(*each); });
  return found == circuits.end() ? nullptr : *found;
}

Circuits::Circuits(std::span<const Entry> entries, Options options, std::shared_ptr<RegistryClient> client,
                   asio::any_io_executor executor, const Circuits* former) {
  std::vector<std::shared_ptr<Circuit>> distinct;
  ByRegistry former_ones;
  if (former) {
    for (const auto& circuit : former->circuits_) former_ones[circuit->entry->address.api_url()].push_back(circuit);
  }
  ByRegistry present;
  for (const Entry& entry : entries) {
    const std::string url = entry.address.api_url();
    auto circuit = find(present[url], [&](const Circuit& each) { return each.is_of(entry); });
    if (!circuit) {
      circuit = find(former_ones[url], [&](const Circuit& each) { return each.is_of(entry) && each.has(options); });
      if (circuit) {
        circuit->entry = std::make_shared<const Entry>(entry);
      } else {
        circuit = std::make_shared<Circuit>(entry, options);
      }
      present[url].push_back(circuit);
      distinct.push_back(circuit);
    }
    circuits_.push_back(std::move(circuit));
  }
  watch_ = std::make_shared<Watch>(distinct, std::move(client), std::move(executor));
  for (const auto& circuit : distinct) circuit->watch = watch_;
  watch_->schedule();
}

Circuits::~Circuits() = default;

bool Circuits::is_open(std::size_t entry) const {
  return circuits_[entry]->breaker.is_open();
}

Breaker::Status Circuits::status(std::size_t entry) const {
  return circuits_[entry]->breaker.status();
}

Outcome Circuits::left_out(std::size_t entry) const {
  const Circuit& circuit = *circuits_[entry];
  const auto now = Clock::now();
  const Breaker::Status status = circuit.breaker.status();
  return {.source = circuit.entry->address.text(),
          .name = {},
          .kind = circuit.failure,
          .reason = fmt::format("left out for {}: {}; {}", rounded(now - status.since.value_or(now)), status.reason,
                                next_check_text(status, now)),
          .health = circuit.health};
}

void Circuits::record(std::size_t entry, const Outcome& outcome) {
  circuits_[entry]->record(outcome);
}

void Circuits::wanted(std::span<const std::size_t> entries) {
  const auto now = Clock::now();
  bool is_any_open = false;
  for (const std::size_t entry : entries) {
    Breaker& breaker = circuits_[entry]->breaker;
    breaker.wanted(now);
    is_any_open = is_any_open || breaker.is_open();
  }
  if (is_any_open && watch_) watch_->schedule();
}

void Circuits::suspect(std::size_t entry) {
  circuits_[entry]->breaker.suspect(Clock::now());
  if (const auto watching = circuits_[entry]->watch.lock()) watching->schedule();
}

void Circuits::stop() {
  watch_.reset();
}

}  // namespace shim::registry
