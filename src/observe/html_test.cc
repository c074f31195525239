#include "observe/html.h"

#include <gtest/gtest.h>

#include <string>

namespace shim::observe {
namespace {

TEST(EscapedText, IsNoMarkup) {
  EXPECT_EQ(escaped("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;");
  EXPECT_EQ(escaped("a & b &lt; c"), "a &amp; b &amp;lt; c");
}

TEST(EscapedText, EndsNoAttribute) {
  EXPECT_EQ(escaped("\" onload=\"x"), "&quot; onload=&quot;x");
  EXPECT_EQ(escaped("' onload='x"), "&#39; onload=&#39;x");
}

TEST(EscapedText, IsPrintable) {
  EXPECT_EQ(escaped("a\nb\x1b[31m"), "a\\nb\\x1b[31m");
  EXPECT_EQ(escaped("\xff<"), "\\xff&lt;");
  EXPECT_EQ(escaped("\xe2\x80\xae"
                    "abc"),
            "\\u202eabc")
      << "nothing turns the direction of what follows";
}

TEST(EscapedText, MayBeOfAnyOctets) {
  for (int octet = 0; octet < 256; ++octet) {
    const std::string text = escaped(std::string(1, static_cast<char>(octet)));
    EXPECT_EQ(text.find_first_of("<>\"'"), text.npos) << octet;
  }
}

}  // namespace
}  // namespace shim::observe
