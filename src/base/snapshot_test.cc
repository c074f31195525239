#include "base/snapshot.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace shim {
namespace {

TEST(Snapshot, ReadsWhatWasPublishedLast) {
  Snapshot<int> snapshot(std::make_shared<const int>(1));
  EXPECT_EQ(*snapshot.read(), 1);
  snapshot.publish(std::make_shared<const int>(2));
  EXPECT_EQ(*snapshot.read(), 2);
}

TEST(Snapshot, AReaderKeepsWhatItBeganWith) {
  Snapshot<int> snapshot(std::make_shared<const int>(1));
  const auto before = snapshot.read();
  snapshot.publish(std::make_shared<const int>(2));
  EXPECT_EQ(*before, 1);
  EXPECT_EQ(before.use_count(), 1);
}

// A value whose destruction reads the snapshot: it would deadlock if the lock were still held.
struct Nosy {
  const Snapshot<Nosy>* snapshot = nullptr;
  ~Nosy() {
    if (snapshot != nullptr) snapshot->read();
  }
};

TEST(Snapshot, DestroysTheValueBeforeOutsideTheLock) {
  Snapshot<Nosy> snapshot(std::make_shared<const Nosy>());
  auto nosy = std::make_shared<Nosy>();
  nosy->snapshot = &snapshot;
  snapshot.publish(std::move(nosy));
  snapshot.publish(std::make_shared<const Nosy>());
}

TEST(Snapshot, ReadersOnOtherThreadsSeeOnlyWholes) {
  struct Pair {
    int a, b;
  };
  Snapshot<Pair> snapshot(std::make_shared<const Pair>(0, 0));
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&](std::stop_token stop) {
      while (!stop.stop_requested()) {
        const auto pair = snapshot.read();
        ASSERT_EQ(pair->a, pair->b);
      }
    });
  }
  for (int i = 1; i < 5000; ++i) snapshot.publish(std::make_shared<const Pair>(i, i));
}

}  // namespace
}  // namespace shim
