#include "commands/status_listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "observe/status_testing.h"

namespace shim::commands {
namespace {

using namespace std::chrono_literals;
using observe::Status;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Status troubled() {
  Status status = observe::status_where_all_is_well();
  Status::Registry left_out = status.registries[0];
  left_out.address = "https://harbor.with-a-very-long-name.example:8443/and/a/long/prefix";
  left_out.state = Status::Registry::State::left_out;
  left_out.reason = "connection refused";
  left_out.open_for = 12s;
  left_out.next_check = 3s;
  status.registries.push_back(left_out);
  return status;
}

TEST(AStatusListing, BeginsWithWhetherAllIsWell) {
  EXPECT_THAT(status_listing(observe::status_where_all_is_well(), {}),
              StartsWith("image-cri-shim 1.2.3 on node-1, process 4711, up 3h: all is well\n"));
  EXPECT_THAT(status_listing(troubled(), {}),
              AllOf(HasSubstr(": 1 thing needs attention\n\n! https://harbor"), HasSubstr("used again by itself")));
}

TEST(AStatusListing, HasALineForEachRegistryAndWhatIsWrongBelowIt) {
  EXPECT_THAT(status_listing(troubled(), {}), AllOf(HasSubstr("http://sealos.hub:5000 (offline) "), HasSubstr("0.84ms"),
                                                    HasSubstr("\n  last error: 503 Service Unavailable (2m ago)\n"),
                                                    HasSubstr("\n  connection refused; for 12s, next check in 3s\n")));
}

TEST(AStatusListing, SaysWhereTheLastImagesCameFrom) {
  EXPECT_THAT(status_listing(observe::status_where_all_is_well(), {}),
              AllOf(HasSubstr("nginx:1.25 ← http://sealos.hub:5000, because priority 1000, has it (12s ago, 1.2s, "
                              "namespace team-a)\n"),
                    HasSubstr("ghcr.io/org/gone:1 not pulled: cannot pull ghcr.io/org/gone:1")));
}

TEST(AStatusListing, SaysWhatIsMissing) {
  Status status = observe::status_where_all_is_well();
  status.registries.clear();
  status.decisions.clear();
  EXPECT_THAT(status_listing(status, {}), AllOf(HasSubstr("No registry is configured"), HasSubstr("none yet")));
}

TEST(AStatusListing, KeepsToTheTerminalsWidth) {
  std::istringstream lines(status_listing(troubled(), {.columns = 72}));
  for (std::string line; std::getline(lines, line);) {
    const bool has_one_word_only = line.find(' ', line.find_first_not_of(' ')) == line.npos;
    EXPECT_TRUE(columns(line) <= 72 || has_one_word_only) << line;
  }
}

TEST(AStatusListing, ShowsNoControlCharactersOfOthers) {
  Status status = troubled();
  for (std::string* each : {&status.shim.node, &status.runtime.name, &status.registries[0].address,
                            &status.registries[1].reason, &status.decisions[0].image, &status.decisions[0].why,
                            &status.configuration.file, &status.configuration.config_map.problem}) {
    *each = "\x1b[2Jx\ry";
  }
  EXPECT_THAT(status_listing(status, {}), AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\r"))));
}

TEST(AStatusListing, HasColoursOnATerminalOnly) {
  EXPECT_THAT(status_listing(troubled(), {}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(status_listing(troubled(), {.has_colours = true}), HasSubstr("\x1b[31m"));
}

TEST(WhatIsShownInPlace, LeavesNothingOfWhatWasThereAndKeepsToTheScreen) {
  EXPECT_EQ(in_place("a\nb\n", {.rows = 24}), "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
  EXPECT_EQ(in_place("a\nb\nc\nd\n", {.rows = 3}), "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
}

}  // namespace
}  // namespace shim::commands
