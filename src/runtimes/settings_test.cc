#include "runtimes/settings.h"

#include <gtest/gtest.h>

namespace shim::runtimes {
namespace {

TEST(KindOf, IsTheNameThatVersionGives) {
  EXPECT_EQ(kind_of("containerd"), Kind::containerd);
  EXPECT_EQ(kind_of("cri-o"), Kind::cri_o);
  EXPECT_EQ(kind_of("docker"), Kind::docker);
  EXPECT_EQ(kind_of(""), Kind::other);
}

TEST(ReleaseOf, ReadsVersionsAsDistributionsWriteThem) {
  EXPECT_EQ(release_of("1.6.20~ds1"), (Release{1, 6}));
  EXPECT_EQ(release_of("v2.1.4"), (Release{2, 1}));
  EXPECT_EQ(release_of("2.4.2+unknown"), (Release{2, 4}));
}

TEST(ReleaseOf, IsZeroWhereItIsNotUnderstood) {
  for (const char* version : {"", "v", "2", "two.one", "1."}) EXPECT_EQ(release_of(version), Release()) << version;
}

}  // namespace
}  // namespace shim::runtimes
