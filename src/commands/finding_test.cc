#include "commands/finding.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace shim::commands {
namespace {

using Mark = Finding::Mark;

const Findings kFindings = {{Mark::good, "runtime /run/x.sock", "containerd 1.6.20"},
                            {Mark::warning, "sandbox image pause:3", "not on the node"},
                            {Mark::bad, "registry http://h:5000", "refused", "write /etc/x:\n  a = 1\n\n  b = 2\n"}};

TEST(FindingsText, IsALineEachWithTheHintIndentedBelow) {
  EXPECT_EQ(findings_text(kFindings),
            "✓ runtime /run/x.sock: containerd 1.6.20\n"
            "! sandbox image pause:3: not on the node\n"
            "✗ registry http://h:5000: refused\n"
            "    write /etc/x:\n"
            "      a = 1\n"
            "\n"
            "      b = 2\n");
}

TEST(FindingsText, ShowsWhatOthersSaidAsPrintable) {
  const Findings findings = {{Mark::bad, "registry h", "said \x1b[31mred\nand more"}};
  EXPECT_EQ(findings_text(findings), "✗ registry h: said \\x1b[31mred\\nand more\n");
}

TEST(FindingsJson, IsAnArrayOfAllOfThem) {
  const auto array = nlohmann::json::parse(findings_json(kFindings));
  ASSERT_EQ(array.size(), 3U);
  EXPECT_EQ(array[0]["mark"], "ok");
  EXPECT_FALSE(array[0].contains("hint"));
  EXPECT_EQ(array[1]["mark"], "warning");
  EXPECT_EQ(array[2]["mark"], "failed");
  EXPECT_EQ(array[2]["hint"], "write /etc/x:\n  a = 1\n\n  b = 2\n");
}

TEST(HasFailed, IsNotForWarnings) {
  EXPECT_TRUE(has_failed(kFindings));
  EXPECT_FALSE(has_failed(std::span(kFindings).first(2)));
  EXPECT_FALSE(has_failed({}));
}

}  // namespace
}  // namespace shim::commands
