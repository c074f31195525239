#include "http2/flush_queue.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace shim::http2 {

void FlushQueue::schedule(std::shared_ptr<Member> member) {
  if (std::exchange(member->is_scheduled_, true)) return;
  scheduled_.push_back(std::move(member));
  if (depth_ != 0 || is_posted_) return;
  is_posted_ = true;
  boost::asio::post(executor_, [this] {
    is_posted_ = false;
    const Batch batch(*this);
  });
}

void FlushQueue::run() {
  // Flushing one connection can give another something to write (a window to return, a stream that ended).
  ++depth_;
  while (!scheduled_.empty()) {
    running_.swap(scheduled_);
    for (auto& member : running_) {
      member->is_scheduled_ = false;
      member->flush();
    }
    running_.clear();
  }
  --depth_;
}

}  // namespace shim::http2
