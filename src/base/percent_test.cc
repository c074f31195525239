#include "base/percent.h"

#include <gtest/gtest.h>

namespace shim {
namespace {

using namespace std::string_view_literals;

TEST(PercentEncode, LeavesPrintableAsciiAlone) {
  EXPECT_EQ(percent_encode("pull \"nginx:1.25\" failed: 401 ~"), "pull \"nginx:1.25\" failed: 401 ~");
}

TEST(PercentEncode, EncodesPercentControlAndHighBytes) {
  EXPECT_EQ(percent_encode("100%\n"), "100%25%0A");
  EXPECT_EQ(percent_encode("é"), "%C3%A9");
  EXPECT_EQ(percent_encode("\0\x1f\x7f\xff"sv), "%00%1F%7F%FF");
}

TEST(PercentDecode, UndoesTheEncodingOfEveryByte) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
}

TEST(PercentDecode, AcceptsLowerCaseDigits) {
  EXPECT_EQ(percent_decode("%c3%a9"), "é");
}

TEST(PercentDecode, KeepsWhatIsNoEncoding) {
  EXPECT_EQ(percent_decode("100% sure"), "100% sure");
  EXPECT_EQ(percent_decode("%"), "%");
  EXPECT_EQ(percent_decode("%4"), "%4");
  EXPECT_EQ(percent_decode("%zz%41"), "%zzA");
  EXPECT_EQ(percent_decode("%%41"), "%A");
}

}  // namespace
}  // namespace shim
