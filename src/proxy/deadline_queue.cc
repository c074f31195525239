#include "proxy/deadline_queue.h"

#include <algorithm>

namespace shim::proxy {

void DeadlineQueue::add(Entry& entry, Clock::time_point deadline) {
  entry.deadline_ = deadline;
  entries_.push_back(entry);
  if (deadline < armed_) arm(deadline);
}

void DeadlineQueue::arm(Clock::time_point deadline) {
  armed_ = deadline;
  timer_->queue = this;
  timer_->timer.expires_at(deadline);
  timer_->timer.async_wait([shared = timer_](boost::system::error_code error) {
    if (!error && shared->queue != nullptr) shared->queue->on_timer();
  });
}

void DeadlineQueue::on_timer() {
  const Clock::time_point now = Clock::now();
  Entries passed;
  Clock::time_point next = Clock::time_point::max();
  for (auto at = entries_.begin(); at != entries_.end();) {
    Entry& entry = *at++;
    if (entry.deadline_ <= now) {
      entry.unlink();
      passed.push_back(entry);
    } else {
      next = std::min(next, entry.deadline_);
    }
  }
  armed_ = Clock::time_point::max();
  if (next != Clock::time_point::max()) arm(next);
  passed.sort([](const Entry& a, const Entry& b) { return a.deadline_ < b.deadline_; });
  while (!passed.empty()) {
    Entry& entry = passed.front();
    passed.pop_front();
    entry.on_deadline();
  }
}

}  // namespace shim::proxy
