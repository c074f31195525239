#include "cri/restore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cri/testing.h"

namespace shim::cri {
namespace {

using cri::testing::add_later_field;
using cri::testing::has_later_field;
using cri::testing::image_of;
using cri::testing::parsed;
using cri::testing::reference;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kMax = 16 * 1024 * 1024;
const std::string kDigest = "@sha256:" + std::string(64, 'a');

class Restoring : public ::testing::Test {
 protected:
  static std::string status_of(const wire::Image& image) {
    wire::ImageStatusResponse response;
    *response.mutable_image() = image;
    return response.SerializeAsString();
  }
  wire::Image restored(const wire::Image& image) {
    const auto response = restore_image_status(status_of(image), names_, kMax);
    EXPECT_TRUE(response);
    return parsed<wire::ImageStatusResponse>(response.value_or("")).image();
  }

  NameStore names_;
};

TEST_F(Restoring, PutsTheNameAsWrittenAndTheCanonicalOneFirst) {
  names_.remember(reference("nginx:1.25"), "hub.local/library/nginx:1.25");
  const auto image = restored(image_of("sha256:1", {"other:1", "hub.local/library/nginx:1.25"}));
  EXPECT_THAT(image.repo_tags(),
              ElementsAre("nginx:1.25", "docker.io/library/nginx:1.25", "other:1", "hub.local/library/nginx:1.25"));
  EXPECT_THAT(image.repo_digests(), ElementsAre());
}

TEST_F(Restoring, AddsLatestWhereNoTagWasWritten) {
  EXPECT_EQ(shown_name(reference("nginx")), "nginx:latest");
  EXPECT_EQ(shown_name(reference("nginx:1")), "nginx:1");
  EXPECT_EQ(shown_name(reference("hub.local:5000/nginx")), "hub.local:5000/nginx:latest");
  EXPECT_EQ(shown_name(reference("nginx" + kDigest)), "nginx" + kDigest);
}

TEST_F(Restoring, ShowsEachNameOnce) {
  names_.remember(reference("docker.io/library/nginx:latest"), "hub.local/library/nginx:latest");
  names_.remember(reference("nginx"), "hub.local/library/nginx:latest");
  const auto image = restored(image_of("sha256:1", {"hub.local/library/nginx:latest"}));
  EXPECT_THAT(image.repo_tags(),
              ElementsAre("nginx:latest", "docker.io/library/nginx:latest", "hub.local/library/nginx:latest"));
}

TEST_F(Restoring, DoesNotRepeatANameThatTheRuntimeShows) {
  names_.remember(reference("nginx:1"), "hub.local/library/nginx:1");
  const auto image = restored(image_of("sha256:1", {"hub.local/library/nginx:1", "docker.io/library/nginx:1"}));
  EXPECT_THAT(image.repo_tags(), ElementsAre("nginx:1", "hub.local/library/nginx:1", "docker.io/library/nginx:1"));
}

TEST_F(Restoring, ShowsADigestOnlyWhereTheReferenceHadOne) {
  const std::string by_digest = "hub.local/library/nginx" + kDigest;
  names_.remember(reference("nginx" + kDigest), by_digest);
  names_.remember(reference("redis:7"), "hub.local/library/redis:7");

  const auto nginx = restored(image_of("sha256:1", {}, {by_digest.c_str()}));
  EXPECT_THAT(nginx.repo_tags(), ElementsAre());
  EXPECT_THAT(nginx.repo_digests(), ElementsAre("nginx" + kDigest, "docker.io/library/nginx" + kDigest, by_digest));

  const std::string redis_digest = "hub.local/library/redis" + kDigest;
  const auto redis = restored(image_of("sha256:2", {"hub.local/library/redis:7"}, {redis_digest.c_str()}));
  EXPECT_THAT(redis.repo_digests(), ElementsAre(redis_digest));
}

TEST_F(Restoring, ShowsAReferenceOfTagAndDigestAmongTheDigests) {
  const std::string original = "nginx:1.25" + kDigest;
  names_.remember(reference(original), "hub.local/library/nginx:1.25" + kDigest);
  const std::string listed = "hub.local/library/nginx" + kDigest;
  const auto image = restored(image_of("sha256:1", {}, {listed.c_str()}));
  EXPECT_THAT(image.repo_digests(), ElementsAre(original, "docker.io/library/nginx:1.25" + kDigest, listed));
}

TEST_F(Restoring, ShowsAReferenceOfTagAndDigestThatWasPulledByItsTag) {
  const std::string original = "nginx:1.25" + kDigest;
  names_.remember(reference(original), "hub.local/library/nginx:1.25");  // digestFallback: tag
  const auto image = restored(image_of("sha256:1", {"hub.local/library/nginx:1.25"}));
  EXPECT_THAT(image.repo_tags(), ElementsAre("hub.local/library/nginx:1.25"));
  EXPECT_THAT(image.repo_digests(), ElementsAre(original, "docker.io/library/nginx:1.25" + kDigest));
}

TEST_F(Restoring, ShowsTheNewestOfSeveralOriginalsFirst) {
  names_.remember(reference("ghcr.io/org/app:1"), "hub.local/org/app:1");
  names_.remember(reference("quay.io/org/app:1"), "hub.local/org/app:1");
  const auto image = restored(image_of("sha256:1", {"hub.local/org/app:1"}));
  EXPECT_THAT(image.repo_tags(), ElementsAre("quay.io/org/app:1", "ghcr.io/org/app:1", "hub.local/org/app:1"));
}

TEST_F(Restoring, ShowsTheOriginalOfTheRegistryThatServedLastAlone) {
  names_.remember(reference("nginx:1"), "one.local/library/nginx:1");
  names_.remember(reference("nginx:1"), "two.local/library/nginx:1");
  const auto image = restored(image_of("sha256:1", {"one.local/library/nginx:1", "two.local/library/nginx:1"}));
  EXPECT_THAT(image.repo_tags(), ElementsAre("nginx:1", "docker.io/library/nginx:1", "one.local/library/nginx:1",
                                             "two.local/library/nginx:1"));
}

TEST_F(Restoring, LeavesAnAnswerAloneWhereThereIsNothingToRestore) {
  const std::string answer = status_of(image_of("sha256:1", {"busybox:1"}));
  EXPECT_EQ(restore_image_status(answer, names_, kMax), std::nullopt);
  names_.remember(reference("nginx"), "hub.local/library/nginx:latest");
  EXPECT_EQ(restore_image_status(answer, names_, kMax), std::nullopt);
  EXPECT_EQ(restore_image_status("", names_, kMax), std::nullopt) << "no such image";
  EXPECT_EQ(restore_image_list("", names_, kMax), std::nullopt) << "no images";
}

TEST_F(Restoring, LeavesWhatDoesNotParseAlone) {
  names_.remember(reference("nginx"), "hub.local/library/nginx:latest");
  EXPECT_EQ(restore_image_status("\xff\xff", names_, kMax), std::nullopt);
  EXPECT_EQ(restore_image_list("\xff\xff", names_, kMax), std::nullopt);
}

TEST_F(Restoring, NeverPassesTheMaximum) {
  names_.remember(reference("nginx:1"), "hub.local/library/nginx:1");
  const std::string answer = status_of(image_of("sha256:1", {"hub.local/library/nginx:1"}));
  const std::size_t size = restore_image_status(answer, names_, kMax)->size();
  EXPECT_TRUE(restore_image_status(answer, names_, size));
  EXPECT_EQ(restore_image_status(answer, names_, size - 1), std::nullopt);
}

TEST_F(Restoring, KeepsFieldsThatItDoesNotKnow) {
  names_.remember(reference("nginx:1"), "hub.local/library/nginx:1");
  wire::Image image = image_of("sha256:1", {"hub.local/library/nginx:1"});
  add_later_field(image);
  wire::ImageStatusResponse response;
  *response.mutable_image() = image;
  add_later_field(response);

  const auto answer = restore_image_status(response.SerializeAsString(), names_, kMax);

  ASSERT_TRUE(answer);
  const auto after = parsed<wire::ImageStatusResponse>(*answer);
  EXPECT_TRUE(has_later_field(after));
  EXPECT_TRUE(has_later_field(after.image()));
  EXPECT_EQ(after.image().id(), "sha256:1");
}

TEST_F(Restoring, RestoresEachImageOfAList) {
  names_.remember(reference("nginx:1"), "hub.local/library/nginx:1");
  names_.remember(reference("redis:7"), "hub.local/library/redis:7");
  wire::ListImagesResponse list;
  *list.add_images() = image_of("sha256:1", {"hub.local/library/nginx:1"});
  *list.add_images() = image_of("sha256:2", {"busybox:1"});
  *list.add_images() = image_of("sha256:3", {"hub.local/library/redis:7"});

  const auto answer = restore_image_list(list.SerializeAsString(), names_, kMax);

  ASSERT_TRUE(answer);
  const auto after = parsed<wire::ListImagesResponse>(*answer);
  ASSERT_EQ(after.images_size(), 3);
  EXPECT_EQ(after.images(0).repo_tags(0), "nginx:1");
  EXPECT_THAT(after.images(1).repo_tags(), ElementsAre("busybox:1"));
  EXPECT_EQ(after.images(2).repo_tags(0), "redis:7");
}

}  // namespace
}  // namespace shim::cri
