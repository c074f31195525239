#include "base/base64.h"

#include <gtest/gtest.h>

namespace shim {
namespace {

std::string encoded(std::string_view bytes) {
  std::string out;
  append_base64(bytes, out);
  return out;
}

std::string decoded(std::string_view text) {
  const auto bytes = decode_base64(text);
  return bytes ? std::string(bytes->reveal()) : "none";
}

// RFC 4648 §10.
TEST(Base64, HasTheTestVectorsOfItsSpecification) {
  const std::string_view whole = "foobar";
  const std::string_view expected[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    EXPECT_EQ(encoded(whole.substr(0, length)), expected[length]);
    EXPECT_EQ(decoded(expected[length]), whole.substr(0, length));
  }
}

TEST(Base64, TakesEveryByte) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(decoded(encoded(all)), all);
}

TEST(Base64, LeavesLineBreaksOut) {
  EXPECT_EQ(decoded("Zm9v\r\nYmFy\n"), "foobar");
}

TEST(Base64, IsStrict) {
  for (const std::string_view text : {"Z", "Zg", "Zg=", "Zg===", "Zm9v=", "Zm9v====", "=", "Zm=9", "Zm9v Zm9v", "Zm-_",
                                      "Zm9v\t", "Zm9vYg==Zm9v", "\xff\xff\xff\xff"}) {
    EXPECT_EQ(decoded(text), "none") << text;
  }
}

}  // namespace
}  // namespace shim
