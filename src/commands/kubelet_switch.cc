#include "commands/kubelet_switch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>
#include <utility>

#include "commands/kubelet_service.h"

namespace shim::commands {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kDone = 0;
constexpr int kNotDone = 1;

constexpr auto kShimPatience = 5s;
constexpr auto kPoll = 200ms;
constexpr int kGoodInARow = 5;  // a kubelet that ends soon after its start is not well

void good(const std::string& what) {
  fmt::print("✓ {}\n", what);
  std::fflush(stdout);
}

int bad(const std::string& what) {
  fmt::print("✗ {}\n", what);
  std::fflush(stdout);
  return kNotDone;
}

std::string shown(const std::string& endpoint) {
  return endpoint.empty() ? "none" : endpoint;
}

void show(const KubeletChange& change) {
  fmt::print("  {}: image endpoint: {} → {}\n", change.path, shown(change.endpoint_before),
             shown(change.endpoint_after));
  std::fflush(stdout);
}

}  // namespace

KubeletSwitch::KubeletSwitch(const KubeletLine& line, std::string socket) : line_(line), socket_(std::move(socket)) {}

// The shim and the kubelet are both well: only then can be seen what a change does.
bool KubeletSwitch::check_before() {
  if (const auto answered = ask_image_service(socket_, kShimPatience); !answered) {
    bad("the shim: " + answered.error().message);
    return false;
  }
  good(socket_ + " answers");
  if (node_.pid == 0) {
    bad("no kubelet runs here: start it first");
    return false;
  }
  if (node_.health_url.empty()) return true;
  if (const auto healthy = ask_health(node_.health_url); !healthy) {
    bad("the kubelet is not healthy, before any change: " + healthy.error().message);
    return false;
  }
  good(fmt::format("the kubelet (pid {}) is healthy", node_.pid));
  return true;
}

bool KubeletSwitch::is_in_use() const {
  return is_same_socket(node_.image_endpoint(), socket_) && has_clients(line_.root, socket_);
}

Expected<void> KubeletSwitch::restart() {
  return restart_unit(line_.systemctl, line_.unit, line_.timeout);
}

Expected<void> KubeletSwitch::wait_until_well(bool calls_the_shim) const {
  const auto end = Clock::now() + line_.timeout;
  std::string why = "it was not asked";
  int good_in_a_row = 0;
  while (good_in_a_row < kGoodInARow) {
    std::this_thread::sleep_for(kPoll);
    const auto healthy = node_.health_url.empty() ? Expected<void>() : ask_health(node_.health_url);
    const bool is_called = !calls_the_shim || has_clients(line_.root, socket_);
    good_in_a_row = healthy && is_called ? good_in_a_row + 1 : 0;
    if (!healthy) why = "it is not healthy: " + healthy.error().message;
    if (healthy && !is_called)
      why = "it is healthy, but does not call the shim: something else sets its image endpoint";
    if (good_in_a_row == kGoodInARow) break;
    if (Interruption::has_come() && calls_the_shim) return fail("interrupted");
    if (good_in_a_row == 0 && Clock::now() >= end) return fail(fmt::format("after {}s {}", line_.timeout.count(), why));
  }
  return {};
}

// ── enable ─────────────────────────────────────────────────────────────────────────────────────────────────────────

int KubeletSwitch::enable() {
  auto node = find_kubelet({line_.root, line_.config});
  if (!node) return bad(node.error().message);
  node_ = std::move(*node);
  const bool is_in_use = this->is_in_use();  // before a connection of our own
  if (!check_before()) return kNotDone;
  if (is_in_use) {
    good("the kubelet points at the shim already");
    return kDone;
  }
  const bool is_set = is_same_socket(node_.image_endpoint(), socket_) && node_.decisive() != nullptr;
  KubeletChange change;
  if (!is_set) {
    auto wanted = change_to(node_, "unix://" + socket_, kubelet_version(node_));
    if (!wanted) return bad(wanted.error().message);
    change = std::move(*wanted);
    show(change);
  }
  if (line_.is_dry_run) {
    fmt::print("  would then restart {}; nothing is changed (--dry-run)\n", line_.unit);
    return kDone;
  }
  if (!is_confirmed("The kubelet is restarted; running pods go on. Continue?")) return bad("nothing was changed");

  const Interruption interruption;
  if (is_set) {  // an earlier `enable` did not get to its end
    const auto changes = changes_from(node_, socket_);
    if (!changes) return bad(changes.error().message);
    change = undo_of(changes->front());
    good(fmt::format("{} names the shim already; the kubelet has yet to use it", change.path));
  } else {
    if (const auto written = write_change(change, true); !written) return bad(written.error().message);
    good(fmt::format("{} is written; before: {}", change.path, backup_of(change.path)));
  }
  if (const auto restarted = restart(); !restarted) return put_back(change, restarted.error().message);
  good(line_.unit + " is restarted");
  if (const auto well = wait_until_well(true); !well) return put_back(change, well.error().message);
  good("the kubelet is healthy and calls the shim");
  return kDone;
}

int KubeletSwitch::put_back(const KubeletChange& change, const std::string& why) {
  bad("the kubelet: " + why);
  if (const auto written = write_change(undo_of(change), false); !written) {
    return bad(fmt::format("{} could not be put back: {}; the file of before is {}", change.path,
                           written.error().message, backup_of(change.path)));
  }
  ::unlink(backup_of(change.path).c_str());
  good(change.path + " is put back");
  if (const auto restarted = restart(); !restarted) return bad("the kubelet: " + restarted.error().message);
  if (const auto well = wait_until_well(false); !well) {
    return bad(
        fmt::format("the kubelet, with its old file: {}: see `journalctl -u {}`", well.error().message, line_.unit));
  }
  good("the kubelet is healthy again, and does not use the shim");
  return kNotDone;
}

// ── disable ────────────────────────────────────────────────────────────────────────────────────────────────────────

int KubeletSwitch::disable() {
  auto node = find_kubelet({line_.root, line_.config});
  if (!node) return bad(node.error().message);
  node_ = std::move(*node);
  const auto changes = changes_from(node_, socket_);
  if (!changes) return bad(changes.error().message);
  const bool is_unfinished = std::ranges::any_of(node_.files, has_backup, &KubeletFile::path);
  if (changes->empty() && !is_unfinished) {
    good("the kubelet does not point at the shim");
    return kDone;
  }
  for (const KubeletChange& change : *changes) show(change);
  if (line_.is_dry_run) {
    fmt::print("  would then restart {}; nothing is changed (--dry-run)\n", line_.unit);
    return kDone;
  }
  if (!is_confirmed("The kubelet is restarted; running pods go on. Continue?")) return bad("nothing was changed");
  const Interruption interruption;
  return finish_disable(*changes);
}

// Nothing is put back: whatever goes wrong, a kubelet without the shim is the safer one.
int KubeletSwitch::finish_disable(const std::vector<KubeletChange>& changes) {
  for (const KubeletChange& change : changes) {
    const auto written = write_change(change, !has_backup(change.path));
    if (!written) return bad(written.error().message);
    good(change.path + " is written");
  }
  if (node_.pid == 0) {
    good("no kubelet runs here, so none is restarted");
  } else {
    if (const auto restarted = restart(); !restarted) return bad("the kubelet: " + restarted.error().message);
    good(line_.unit + " is restarted");
    if (const auto well = wait_until_well(false); !well) {
      return bad(fmt::format("the kubelet: {}: see `journalctl -u {}`", well.error().message, line_.unit));
    }
    good("the kubelet is healthy; the shim may be stopped");
  }
  for (const KubeletFile& file : node_.files) ::unlink(backup_of(file.path).c_str());
  return kDone;
}

// People are asked; programs have decided.
bool KubeletSwitch::is_confirmed(const char* question) const {
  if (line_.is_confirmed || ::isatty(STDIN_FILENO) == 0) return true;
  fmt::print("{} [y/N] ", question);
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace shim::commands
