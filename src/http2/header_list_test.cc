#include "http2/header_list.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace shim::http2 {
namespace {

TEST(HeaderList, KeepsFieldsInOrderAndByteForByte) {
  HeaderList list;
  list.add("b", "2");
  list.add("A", "");
  list.add("b", "3");

  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].name, "b");
  EXPECT_EQ(list[0].value, "2");
  EXPECT_EQ(list[1].name, "A");
  EXPECT_EQ(list[1].value, "");
  EXPECT_EQ(list[2].value, "3");
}

TEST(HeaderList, FindsTheFirstFieldOfAnExactName) {
  HeaderList list;
  list.add("te", "trailers");
  list.add("grpc-status", "5");
  list.add("grpc-status", "0");

  EXPECT_EQ(list.find("grpc-status"), "5");
  EXPECT_EQ(list.find("Grpc-Status"), std::nullopt);
  EXPECT_EQ(list.find("grpc"), std::nullopt);
}

TEST(HeaderList, SetReplacesTheFirstFieldInItsPlace) {
  HeaderList list;
  list.add(":path", "/short");
  list.add("x", "1");

  list.set(":path", "/a/much/longer/path");

  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].value, "/a/much/longer/path");
  EXPECT_EQ(list[1].value, "1");
}

TEST(HeaderList, SetAddsAFieldThatIsNotThere) {
  HeaderList list;
  list.add("x", "1");

  list.set("y", "2");

  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[1].name, "y");
}

TEST(HeaderList, SetTakesAViewOfTheListItself) {
  HeaderList list;
  list.add("x", std::string(300, 'a'));
  list.add("y", "1");

  list.set("y", *list.find("x"));

  EXPECT_EQ(list.find("y"), std::string(300, 'a'));
}

TEST(HeaderList, RemovesEveryFieldOfAName) {
  HeaderList list;
  list.add("x", "1");
  list.add("y", "2");
  list.add("x", "3");

  list.remove("x");

  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].name, "y");
}

TEST(HeaderList, KeepsTheNeverIndexFlag) {
  HeaderList list;
  list.add("authorization", "secret", true);
  list.add("x", "1");
  EXPECT_TRUE(list[0].never_index);
  EXPECT_FALSE(list[1].never_index);

  list.set("authorization", "other");

  EXPECT_TRUE(list[0].never_index);
}

TEST(HeaderList, CountsOctetsAsRfc9113Does) {
  HeaderList list;
  list.add("ab", "cde");
  EXPECT_EQ(list.octets(), 37U);
  list.set("ab", "c");
  EXPECT_EQ(list.octets(), 35U);
  list.add("x", "");
  list.remove("ab");
  EXPECT_EQ(list.octets(), 33U);
  list.clear();
  EXPECT_EQ(list.octets(), 0U);
  EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace shim::http2
