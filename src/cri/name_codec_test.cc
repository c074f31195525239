#include "cri/name_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "cri/testing.h"

namespace shim::cri {
namespace {

using namespace std::chrono_literals;
using cri::testing::reference;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::chrono::system_clock::time_point kTime{std::chrono::sys_days(std::chrono::year(2024) / 6 / 7) + 8h + 9min +
                                                  10s};
const std::string kDigest = "@sha256:" + std::string(64, 'a');

std::string document(const std::string& names) {
  return R"({"version": 1, "names": [)" + names + "]}";
}
std::string entry(const std::string& original, const std::string& pulled = "hub.local/a:1") {
  return R"({"original": ")" + original + R"(", "pulled": ")" + pulled + R"(", "remembered": "2024-06-07T08:09:10Z"})";
}
std::string error_of(const std::string& text) {
  const auto decoded = decode_names(text);
  return decoded ? "" : decoded.error().message;
}

TEST(NameCodec, WritesOneNameALine) {
  const std::vector<RememberedName> names = {{reference("nginx:1.25"), "hub.local:5000/library/nginx:1.25", kTime},
                                             {reference("redis"), "hub.local:5000/library/redis:latest", kTime}};
  EXPECT_EQ(encode_names(names),
            R"({"version": 1, "names": [
{"original":"nginx:1.25","pulled":"hub.local:5000/library/nginx:1.25","remembered":"2024-06-07T08:09:10Z"},
{"original":"redis","pulled":"hub.local:5000/library/redis:latest","remembered":"2024-06-07T08:09:10Z"}
]}
)");
}

TEST(NameCodec, ReadsWhatItWrites) {
  const std::vector<RememberedName> names = {{reference("nginx:1.25"), "hub.local:5000/library/nginx:1.25", kTime},
                                             {reference("app" + kDigest), "[::1]:5000/app" + kDigest, kTime + 1h}};
  const auto decoded = decode_names(encode_names(names));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->skipped, 0U);
  ASSERT_THAT(decoded->names, SizeIs(2));
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(decoded->names[i].reference.original(), names[i].reference.original());
    EXPECT_EQ(decoded->names[i].pulled, names[i].pulled);
    EXPECT_EQ(decoded->names[i].time, names[i].time);
  }
}

TEST(NameCodec, ReadsNothingFromNothingRemembered) {
  const auto decoded = decode_names(encode_names({}));
  ASSERT_TRUE(decoded);
  EXPECT_THAT(decoded->names, IsEmpty());
}

TEST(NameCodec, RefusesWhatIsNotItsOwn) {
  EXPECT_THAT(error_of(""), HasSubstr("no JSON"));
  EXPECT_THAT(error_of("\xff\xfe\x01"), HasSubstr("no JSON"));
  EXPECT_THAT(error_of(document(entry("nginx")).substr(0, 60)), HasSubstr("no JSON"));
  EXPECT_THAT(error_of("[]"), HasSubstr("no object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("no version"));
  EXPECT_THAT(error_of(R"({"version": "1", "names": []})"), HasSubstr("no version"));
  EXPECT_THAT(error_of(R"({"version": 1})"), HasSubstr("no list of names"));
  EXPECT_THAT(error_of(R"({"version": 1, "names": {}})"), HasSubstr("no list of names"));
  EXPECT_THAT(error_of(R"({"version": 2, "names": []})"), HasSubstr("its version is 2, and this program reads 1"));
}

TEST(NameCodec, SkipsSingleNamesThatAreInvalid) {
  const std::string id = "sha256:" + std::string(64, 'a');
  const std::string invalid[] = {entry("No Name"),
                                 entry("nginx", "No Name"),
                                 entry(""),
                                 entry(id),
                                 entry("nginx", id),
                                 R"({"original": 7})",
                                 "null",
                                 "[[]]",
                                 R"({"pulled": "a.io/b"})",
                                 "\"nginx\""};
  for (const std::string& text : invalid) {
    const auto decoded = decode_names(document(entry("first") + "," + text + "," + entry("last")));
    ASSERT_TRUE(decoded) << text;
    EXPECT_EQ(decoded->skipped, 1U) << text;
    EXPECT_NE(decoded->first_problem, "") << text;
    EXPECT_THAT(decoded->names, SizeIs(2)) << text;
  }
}

TEST(NameCodec, IgnoresKeysOfALaterProgram) {
  const auto decoded = decode_names(
      R"({"later": {"a": [1]}, "version": 1, "names": [{"original": "a", "pulled": "b.io/a", "later": {"x": {}}}]})");
  ASSERT_TRUE(decoded);
  EXPECT_THAT(decoded->names, SizeIs(1));
}

TEST(NameCodec, LosesNoNameToATimeThatItCannotRead) {
  for (const std::string time : {"\"yesterday\"", "7", "\"2024-06-07T08:09:10Z and more\"", "\"\""}) {
    const auto decoded = decode_names(document(R"({"original": "a", "pulled": "b.io/a", "remembered": )" + time + "}"));
    ASSERT_TRUE(decoded);
    ASSERT_THAT(decoded->names, SizeIs(1)) << time;
    EXPECT_EQ(decoded->names[0].time, std::chrono::system_clock::time_point()) << time;
  }
}

TEST(NameCodec, IsNotOverwhelmedByNesting) {
  const std::string deep(1'000'000, '[');
  EXPECT_NE(error_of(deep), "");
  EXPECT_TRUE(decode_names(document(deep + std::string(deep.size(), ']'))));
}

}  // namespace
}  // namespace shim::cri
