#include "cri/image_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cri/testing.h"
#include "fake_registry/fake_registry.h"
#include "http/client.h"

namespace shim::cri {
namespace {

namespace asio = boost::asio;
using cri::testing::add_later_field;
using cri::testing::has_later_field;
using cri::testing::image_of;
using cri::testing::MemoryRuntime;
using cri::testing::naming;
using cri::testing::parsed;
using cri::testing::reference;
using http2::StatusCode;
using test::FakeRegistry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ImageCallsTest : public ::testing::Test {
 protected:
  static registry::Entry entry_at(const std::string& address, int priority) {
    registry::Entry entry{.address = image::Address::parse(address).value()};
    entry.priority = priority;
    entry.rule = image::default_rule(entry.address);
    return entry;
  }
  // The calls of a configuration with these entries.
  ImageCalls calls(std::vector<registry::Entry> entries, registry::Fallback fallback = registry::Fallback::upstream,
                   ImageCalls::Options options = {}) {
    auto resolver = std::make_shared<registry::Resolver>(
        std::move(entries), registry::ResolverOptions{.fallback = fallback}, http_, context_.get_executor());
    return {std::move(resolver), names_, decisions_, options};
  }
  // Two registries that no look-up may ask: nothing listens there.
  std::vector<registry::Entry> two_entries() {
    return {entry_at("http://one.local:5000", 900), entry_at("http://two.local:5000", 100)};
  }

  Reply handle(const ImageCalls& calls, std::string_view method, std::string message,
               Service service = Service::image) {
    std::optional<Reply> reply;
    asio::co_spawn(context_, calls.handle(service, method, caller_, std::move(message), runtime_),
                   [&](const std::exception_ptr& thrown, Reply done) {
                     EXPECT_FALSE(thrown);
                     reply = std::move(done);
                     context_.stop();
                   });
    context_.restart();
    context_.run();
    return std::move(*reply);
  }
  wire::Image image_status(const ImageCalls& calls, std::string_view name) {
    const Reply reply = handle(calls, "ImageStatus", naming<wire::ImageStatusRequest>(name));
    EXPECT_TRUE(reply.is_ok());
    return parsed<wire::ImageStatusResponse>(reply.message).image();
  }

  asio::io_context context_{1};
  http::Client http_{context_.get_executor()};
  std::shared_ptr<NameStore> names_ = std::make_shared<NameStore>();
  std::shared_ptr<DecisionLog> decisions_ = std::make_shared<DecisionLog>();
  MemoryRuntime runtime_;
  Caller caller_;
};

TEST_F(ImageCallsTest, AreOfBothServices) {
  for (const char* method : {"PullImage", "ImageStatus", "RemoveImage", "ListImages"}) {
    EXPECT_TRUE(ImageCalls::handles(Service::image, method)) << method;
    EXPECT_FALSE(ImageCalls::handles(Service::runtime, method)) << method;
  }
  EXPECT_TRUE(ImageCalls::handles(Service::runtime, "CreateContainer"));
  for (const char* method : {"ImageFsInfo", "StreamImages", "Version", ""}) {
    EXPECT_FALSE(ImageCalls::handles(Service::image, method)) << method;
  }
}

// ── ImageStatus ──────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_F(ImageCallsTest, StatusAsksForTheRememberedNameAlone) {
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  runtime_.images = {image_of("sha256:1", {"one.local:5000/library/nginx:1"})};

  const auto image = image_status(calls(two_entries()), "nginx:1");

  EXPECT_EQ(image.id(), "sha256:1");
  EXPECT_EQ(image.repo_tags(0), "nginx:1");
  EXPECT_THAT(runtime_.names_asked("ImageStatus"), ElementsAre("one.local:5000/library/nginx:1"));
}

TEST_F(ImageCallsTest, StatusAsksForTheOriginalWhereNothingIsRemembered) {
  runtime_.images = {image_of("sha256:1", {"docker.io/library/nginx:1"})};
  EXPECT_EQ(image_status(calls(two_entries()), "nginx:1").id(), "sha256:1");
  EXPECT_THAT(runtime_.names_asked("ImageStatus"), ElementsAre("nginx:1"));
}

TEST_F(ImageCallsTest, StatusAsksForTheCandidatesAtOnceAndTakesTheBest) {
  runtime_.images = {image_of("sha256:2", {"two.local:5000/library/nginx:1"}),
                     image_of("sha256:1", {"one.local:5000/library/nginx:1"})};

  EXPECT_EQ(image_status(calls(two_entries()), "nginx:1").id(), "sha256:1");

  EXPECT_THAT(runtime_.names_asked("ImageStatus"),
              ElementsAre("nginx:1", "one.local:5000/library/nginx:1", "two.local:5000/library/nginx:1"));
  EXPECT_EQ(runtime_.most_at_once, 2U);
  EXPECT_EQ(names_->pulled_name(reference("nginx:1")), "one.local:5000/library/nginx:1") << "remembered for the next";
}

TEST_F(ImageCallsTest, StatusRemembersASpellingThatIsNewToIt) {
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  runtime_.images = {image_of("sha256:1", {"one.local:5000/library/nginx:1"})};

  EXPECT_THAT(image_status(calls(two_entries()), "library/nginx:1").repo_tags(),
              ElementsAre("library/nginx:1", "docker.io/library/nginx:1", "nginx:1", "one.local:5000/library/nginx:1"));

  const auto revision = names_->revision();
  image_status(calls(two_entries()), "library/nginx:1");
  image_status(calls(two_entries()), "docker.io/library/nginx:1");
  EXPECT_EQ(names_->revision(), revision) << "nothing new to show: nothing to write to disk";
}

TEST_F(ImageCallsTest, StatusForgetsARememberedNameThatIsGoneWhereTheOriginalIsThere) {
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  runtime_.images = {image_of("sha256:1", {"docker.io/library/nginx:1"})};
  EXPECT_EQ(image_status(calls(two_entries()), "nginx:1").id(), "sha256:1");
  EXPECT_TRUE(names_->empty());
}

TEST_F(ImageCallsTest, StatusCorrectsARememberedNameThatIsGoneWhereAnotherRegistrysIsThere) {
  names_->remember(reference("library/nginx:1"), "one.local:5000/library/nginx:1");
  runtime_.images = {image_of("sha256:2", {"two.local:5000/library/nginx:1"})};

  EXPECT_THAT(image_status(calls(two_entries()), "nginx:1").repo_tags(),
              ElementsAre("nginx:1", "docker.io/library/nginx:1", "library/nginx:1", "two.local:5000/library/nginx:1"));
  EXPECT_EQ(names_->pulled_name(reference("nginx:1")), "two.local:5000/library/nginx:1");
}

TEST_F(ImageCallsTest, StatusLeavesWhatAPullHasRememberedMeanwhile) {
  runtime_.images = {image_of("sha256:1", {"docker.io/library/nginx:1"}),
                     image_of("sha256:2", {"two.local:5000/library/redis:1"})};
  runtime_.on_call = [&](std::string_view, const std::string& image) {
    if (image == "nginx:1") names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
    if (image == "redis:1") names_->remember(reference("redis:1"), "one.local:5000/library/redis:1");
  };

  image_status(calls(two_entries()), "nginx:1");
  image_status(calls(two_entries()), "redis:1");

  EXPECT_EQ(names_->pulled_name(reference("nginx:1")), "one.local:5000/library/nginx:1");
  EXPECT_EQ(names_->pulled_name(reference("redis:1")), "one.local:5000/library/redis:1");
}

TEST_F(ImageCallsTest, StatusByIdShowsTheOriginalNames) {
  const std::string id = "sha256:" + std::string(64, 'a');
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  runtime_.images = {image_of(id, {"one.local:5000/library/nginx:1"})};
  EXPECT_EQ(image_status(calls(two_entries()), id).repo_tags(0), "nginx:1");
}

TEST_F(ImageCallsTest, StatusIsTheRuntimesEmptyAnswerWhereNobodyHasIt) {
  const Reply reply = handle(calls(two_entries()), "ImageStatus", naming<wire::ImageStatusRequest>("nginx:1"));
  EXPECT_TRUE(reply.is_ok());
  EXPECT_EQ(reply.message, "");
  EXPECT_TRUE(names_->empty());
}

TEST_F(ImageCallsTest, StatusGivesTheRuntimesError) {
  runtime_.failures["ImageStatus"] = {StatusCode::internal, "disk on fire"};
  const Reply reply = handle(calls(two_entries()), "ImageStatus", naming<wire::ImageStatusRequest>("nginx:1"));
  EXPECT_EQ(reply.status.message, "disk on fire");
  EXPECT_EQ(runtime_.asked.size(), 1U);
}

class NameWithoutAHostTest : public ImageCallsTest {
 protected:
  // As CRI-O's, whose registries.conf does not say where to look for names without a host.
  NameWithoutAHostTest() { runtime_.failures["ImageStatus nginx:1"] = failure_; }

  const http2::Status failure_{StatusCode::unknown, "no unqualified-search registries are defined"};
};

TEST_F(NameWithoutAHostTest, IsNotThereWhereTheRuntimeKnowsNeitherRegistrysNameNorTheCanonicalOne) {
  const Reply reply = handle(calls(two_entries()), "ImageStatus", naming<wire::ImageStatusRequest>("nginx:1"));
  EXPECT_TRUE(reply.is_ok()) << "so that the kubelet pulls it";
  EXPECT_EQ(reply.message, "");
  EXPECT_THAT(runtime_.names_asked("ImageStatus"),
              ElementsAre("nginx:1", "one.local:5000/library/nginx:1", "two.local:5000/library/nginx:1",
                          "docker.io/library/nginx:1"));
}

TEST_F(NameWithoutAHostTest, IsNotThereWhereTheRememberedNameIsGone) {
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  const Reply reply = handle(calls(two_entries()), "ImageStatus", naming<wire::ImageStatusRequest>("nginx:1"));
  EXPECT_TRUE(reply.is_ok());
  EXPECT_EQ(reply.message, "");
}

TEST_F(NameWithoutAHostTest, IsFoundAsTheCanonicalOne) {
  runtime_.images = {image_of("1", {"docker.io/library/nginx:1"})};
  EXPECT_THAT(image_status(calls(two_entries()), "nginx:1").repo_tags(),
              ElementsAre("nginx:1", "docker.io/library/nginx:1"));
}

TEST_F(NameWithoutAHostTest, IsFoundAsARegistrysOne) {
  runtime_.images = {image_of("1", {"two.local:5000/library/nginx:1"})};
  EXPECT_EQ(image_status(calls(two_entries()), "nginx:1").id(), "1");
}

TEST_F(NameWithoutAHostTest, IsTheRuntimesErrorWhereNoRegistryMatches) {
  const Reply reply = handle(calls({}), "ImageStatus", naming<wire::ImageStatusRequest>("nginx:1"));
  EXPECT_EQ(reply.status.message, failure_.message);
  EXPECT_EQ(runtime_.asked.size(), 1U);
}

TEST_F(NameWithoutAHostTest, IsTheRuntimesErrorWhereItFailsForOtherNamesToo) {
  runtime_.failures["ImageStatus"] = {StatusCode::unknown, "disk on fire"};
  const Reply reply = handle(calls(two_entries()), "ImageStatus", naming<wire::ImageStatusRequest>("nginx:1"));
  EXPECT_EQ(reply.status.message, failure_.message);
}

TEST_F(NameWithoutAHostTest, ListsNothingWhereItIsNotThere) {
  runtime_.failures["ListImages nginx:1"] = failure_;
  wire::ListImagesRequest request;
  request.mutable_filter()->mutable_image()->set_image("nginx:1");
  const Reply reply = handle(calls(two_entries()), "ListImages", request.SerializeAsString());
  EXPECT_TRUE(reply.is_ok());
  EXPECT_EQ(reply.message, "");
}

TEST_F(ImageCallsTest, ARuntimesFailureForANameWithItsHostEndsTheSearch) {
  runtime_.failures["ImageStatus"] = {StatusCode::unknown, "disk on fire"};
  const Reply reply = handle(calls(two_entries()), "ImageStatus", naming<wire::ImageStatusRequest>("quay.io/a/b:1"));
  EXPECT_EQ(reply.status.message, "disk on fire");
  EXPECT_EQ(runtime_.asked.size(), 1U);
}

TEST_F(ImageCallsTest, StatusOfAnIdOrOfNoNameIsForwardedAsItCame) {
  for (const std::string& name : {"sha256:" + std::string(64, 'a'), std::string(64, 'b'), std::string("No Name")}) {
    runtime_.asked.clear();
    image_status(calls(two_entries()), name);
    ASSERT_EQ(runtime_.asked.size(), 1U);
    EXPECT_EQ(runtime_.asked[0].message, naming<wire::ImageStatusRequest>(name));
  }
}

TEST_F(ImageCallsTest, StatusKeepsWhatElseWasAsked) {
  wire::ImageStatusRequest request;
  request.mutable_image()->set_image("nginx:1");
  add_later_field(*request.mutable_image());
  request.set_verbose(true);

  handle(calls(two_entries()), "ImageStatus", request.SerializeAsString());

  for (const auto& asked : runtime_.asked) {
    const auto question = parsed<wire::ImageStatusRequest>(asked.message);
    EXPECT_TRUE(question.verbose());
    EXPECT_TRUE(has_later_field(question.image()));
  }
}

TEST_F(ImageCallsTest, NamesAreNotRestoredWhereTheConfigurationSaysSo) {
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  runtime_.images = {image_of("sha256:1", {"one.local:5000/library/nginx:1"})};
  const auto plain = calls(two_entries(), registry::Fallback::upstream, {.restore_names = false});
  EXPECT_THAT(image_status(plain, "nginx:1").repo_tags(), ElementsAre("one.local:5000/library/nginx:1"));
}

// ── RemoveImage ──────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_F(ImageCallsTest, RemoveByNameUsesTheIdFoundAndForgetsTheName) {
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  runtime_.images = {image_of("sha256:abcdef123456", {"one.local:5000/library/nginx:1"})};

  EXPECT_TRUE(handle(calls(two_entries()), "RemoveImage", naming<wire::RemoveImageRequest>("nginx:1")).is_ok());

  EXPECT_THAT(runtime_.names_asked("RemoveImage"), ElementsAre("sha256:abcdef123456"));
  EXPECT_THAT(runtime_.images, IsEmpty());
  EXPECT_TRUE(names_->empty());
}

TEST_F(ImageCallsTest, RemoveForgetsAllThatTheImageWasCalled) {
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  names_->remember(reference("library/nginx:1"), "one.local:5000/library/nginx:1");
  names_->remember(reference("quay.io/library/nginx:1"), "one.local:5000/library/nginx:1");
  names_->remember(reference("redis:7"), "one.local:5000/library/redis:7");
  runtime_.images = {image_of("sha256:abcdef123456", {"one.local:5000/library/nginx:1"})};

  handle(calls(two_entries()), "RemoveImage", naming<wire::RemoveImageRequest>("docker.io/library/nginx:1"));

  EXPECT_EQ(names_->size(), 1U);
  EXPECT_TRUE(names_->knows(reference("redis:7")));
}

TEST_F(ImageCallsTest, RemoveFindsAnImageThatWasImportedUnderARegistrysName) {
  runtime_.images = {image_of("sha256:abcdef123456", {"two.local:5000/library/nginx:1"})};
  handle(calls(two_entries()), "RemoveImage", naming<wire::RemoveImageRequest>("nginx:1"));
  EXPECT_THAT(runtime_.names_asked("RemoveImage"), ElementsAre("sha256:abcdef123456"));
  EXPECT_TRUE(names_->empty());
}

TEST_F(ImageCallsTest, RemoveKeepsWhatWasPulledWhileItRan) {
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  runtime_.images = {image_of("sha256:abcdef123456", {"one.local:5000/library/nginx:1"})};
  runtime_.on_call = [&](std::string_view method, const std::string&) {
    if (method == "RemoveImage") names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  };
  handle(calls(two_entries()), "RemoveImage", naming<wire::RemoveImageRequest>("nginx:1"));
  EXPECT_TRUE(names_->knows(reference("nginx:1")));
}

TEST_F(ImageCallsTest, RemoveByShortIdIsForwardedAsSpelled) {
  runtime_.images = {image_of("sha256:abcdef123456", {"docker.io/library/nginx:1"})};
  handle(calls(two_entries()), "RemoveImage", naming<wire::RemoveImageRequest>("abcdef12"));
  EXPECT_THAT(runtime_.names_asked("RemoveImage"), ElementsAre("abcdef12"));
  EXPECT_THAT(runtime_.images, IsEmpty());
}

TEST_F(ImageCallsTest, RemoveByIdAsksNothingElse) {
  const std::string id = "sha256:" + std::string(64, 'a');
  handle(calls(two_entries()), "RemoveImage", naming<wire::RemoveImageRequest>(id));
  ASSERT_EQ(runtime_.asked.size(), 1U);
  EXPECT_EQ(runtime_.asked[0].image, id);
}

TEST_F(ImageCallsTest, RemoveOfWhatIsNotThereIsForwardedUnchanged) {
  EXPECT_TRUE(handle(calls(two_entries()), "RemoveImage", naming<wire::RemoveImageRequest>("nginx:1")).is_ok());
  EXPECT_THAT(runtime_.names_asked("RemoveImage"), ElementsAre("nginx:1"));
}

TEST_F(ImageCallsTest, ANameIsKeptWhereItsRemovalFailed) {
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  runtime_.failures["RemoveImage"] = {StatusCode::failed_precondition, "in use"};
  handle(calls(two_entries()), "RemoveImage", naming<wire::RemoveImageRequest>("nginx:1"));
  EXPECT_TRUE(names_->pulled_name(reference("nginx:1")));
}

// ── ListImages ───────────────────────────────────────────────────────────────────────────────────────────────────────

std::string filtered_by(const std::string& name) {
  wire::ListImagesRequest request;
  request.mutable_filter()->mutable_image()->set_image(name);
  return request.SerializeAsString();
}

TEST_F(ImageCallsTest, AListsFilterIsTranslated) {
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  runtime_.images = {image_of("sha256:1", {"one.local:5000/library/nginx:1"}), image_of("sha256:2", {"busybox:1"})};

  const Reply reply = handle(calls(two_entries()), "ListImages", filtered_by("nginx:1"));

  EXPECT_THAT(runtime_.names_asked("ListImages"), ElementsAre("one.local:5000/library/nginx:1"));
  const auto list = parsed<wire::ListImagesResponse>(reply.message);
  ASSERT_EQ(list.images_size(), 1);
  EXPECT_EQ(list.images(0).repo_tags(0), "nginx:1");
}

TEST_F(ImageCallsTest, AListsFilterThatNamesNothingKnownIsForwardedUnchanged) {
  handle(calls(two_entries()), "ListImages", filtered_by("nginx:1"));
  handle(calls(two_entries()), "ListImages", filtered_by(std::string(64, 'a')));
  EXPECT_THAT(runtime_.names_asked("ListImages"), ElementsAre("nginx:1", std::string(64, 'a')));
}

TEST_F(ImageCallsTest, AWholeListForgetsWhatItDoesNotShow) {
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  names_->remember(reference("redis:7"), "one.local:5000/library/redis:7");
  runtime_.images = {image_of("sha256:1", {"one.local:5000/library/nginx:1"})};

  handle(calls(two_entries()), "ListImages", filtered_by("nginx:1"));
  EXPECT_EQ(names_->size(), 2U) << "a filtered list shows nothing of the others";
  handle(calls(two_entries()), "ListImages", "");

  EXPECT_TRUE(names_->pulled_name(reference("nginx:1")));
  EXPECT_FALSE(names_->pulled_name(reference("redis:7")));
}

TEST_F(ImageCallsTest, AListKeepsWhatWasPulledWhileItWasMade) {
  runtime_.on_call = [&](std::string_view, const std::string&) {
    names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  };
  handle(calls(two_entries()), "ListImages", "");
  EXPECT_TRUE(names_->knows(reference("nginx:1")));
}

TEST_F(ImageCallsTest, AListShowsWhatTheRuntimeAlsoHasUnderTheOriginalName) {
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  runtime_.images = {image_of("sha256:1", {"one.local:5000/library/nginx:1"}),
                     image_of("sha256:2", {"docker.io/library/nginx:1"})};

  const Reply reply = handle(calls(two_entries()), "ListImages", "");

  const auto list = parsed<wire::ListImagesResponse>(reply.message);
  ASSERT_EQ(list.images_size(), 2);
  EXPECT_THAT(list.images(0).repo_tags(),
              ElementsAre("nginx:1", "docker.io/library/nginx:1", "one.local:5000/library/nginx:1"));
  EXPECT_THAT(list.images(1).repo_tags(), ElementsAre("docker.io/library/nginx:1"));
  EXPECT_EQ(image_status(calls(two_entries()), "nginx:1").id(), "sha256:1") << "the one that was pulled last by it";
}

TEST_F(ImageCallsTest, AWholeListKeepsAnImageOfTagAndDigest) {
  const std::string digest = "@sha256:" + std::string(64, 'a');
  const std::string listed = "one.local:5000/library/nginx" + digest;
  names_->remember(reference("nginx:1" + digest), "one.local:5000/library/nginx:1" + digest);
  runtime_.images = {image_of("sha256:1", {}, {listed.c_str()})};

  const Reply reply = handle(calls(two_entries()), "ListImages", "");

  EXPECT_EQ(names_->size(), 1U);
  EXPECT_EQ(parsed<wire::ListImagesResponse>(reply.message).images(0).repo_digests(0), "nginx:1" + digest);
}

// ── CreateContainer ──────────────────────────────────────────────────────────────────────────────────────────────────

TEST_F(ImageCallsTest, AContainersImageAndItsMountsAreTranslated) {
  names_->remember(reference("nginx:1"), "one.local:5000/library/nginx:1");
  names_->remember(reference("model:2"), "two.local:5000/library/model:2");
  runtime_.images = {image_of("sha256:1", {"one.local:5000/library/nginx:1"}),
                     image_of("sha256:2", {"two.local:5000/library/model:2"})};
  wire::CreateContainerRequest request;
  request.set_pod_sandbox_id("sandbox");
  request.mutable_config()->mutable_image()->set_image("nginx:1");
  request.mutable_config()->mutable_image()->set_user_specified_image("nginx:1");
  request.mutable_config()->add_mounts();
  request.mutable_config()->add_mounts()->mutable_image()->set_image("model:2");
  add_later_field(request);

  handle(calls(two_entries()), "CreateContainer", request.SerializeAsString(), Service::runtime);

  const auto sent = parsed<wire::CreateContainerRequest>(runtime_.asked.back().message);
  EXPECT_EQ(sent.config().image().image(), "one.local:5000/library/nginx:1");
  EXPECT_EQ(sent.config().image().user_specified_image(), "nginx:1");
  ASSERT_EQ(sent.config().mounts_size(), 2);
  EXPECT_FALSE(sent.config().mounts(0).has_image());
  EXPECT_EQ(sent.config().mounts(1).image().image(), "two.local:5000/library/model:2");
  EXPECT_EQ(sent.pod_sandbox_id(), "sandbox");
  EXPECT_TRUE(has_later_field(sent));
}

TEST_F(ImageCallsTest, AContainersImageThatWasImportedIsFoundAndRemembered) {
  runtime_.images = {image_of("sha256:1", {"two.local:5000/library/nginx:1"})};
  wire::CreateContainerRequest request;
  request.mutable_config()->mutable_image()->set_image("nginx:1");

  handle(calls(two_entries()), "CreateContainer", request.SerializeAsString(), Service::runtime);

  const auto sent = parsed<wire::CreateContainerRequest>(runtime_.asked.back().message);
  EXPECT_EQ(sent.config().image().image(), "two.local:5000/library/nginx:1");
  EXPECT_TRUE(names_->knows(reference("nginx:1")));
}

TEST_F(ImageCallsTest, AContainerOfAnIdIsForwardedAsItCame) {
  wire::CreateContainerRequest request;
  request.mutable_config()->mutable_image()->set_image("sha256:" + std::string(64, 'a'));
  handle(calls(two_entries()), "CreateContainer", request.SerializeAsString(), Service::runtime);
  ASSERT_EQ(runtime_.asked.size(), 1U);
  EXPECT_EQ(runtime_.asked[0].message, request.SerializeAsString());
}

// ── PullImage ────────────────────────────────────────────────────────────────────────────────────────────────────────

std::string pull_of(const std::string& name, const char* password = nullptr) {
  wire::PullImageRequest request;
  request.mutable_image()->set_image(name);
  if (password != nullptr) {
    request.mutable_auth()->set_username("pod");
    request.mutable_auth()->set_password(password);
  }
  return request.SerializeAsString();
}

TEST_F(ImageCallsTest, APullWithoutEntriesIsForwardedAsItCame) {
  const std::string message = pull_of("nginx:1", "secret");
  EXPECT_TRUE(handle(calls({}), "PullImage", message).is_ok());
  ASSERT_EQ(runtime_.asked.size(), 1U);
  EXPECT_EQ(runtime_.asked[0].message, message);
  EXPECT_TRUE(names_->empty());
}

TEST_F(ImageCallsTest, APullOfAnIdOrOfNoNameIsForwardedEvenWhereTheOriginalIsDenied) {
  for (const std::string& name : {"sha256:" + std::string(64, 'a'), std::string("No Name")}) {
    runtime_.asked.clear();
    runtime_.failures["PullImage"] = {StatusCode::unknown, "the runtime's own words"};
    const Reply reply = handle(calls(two_entries(), registry::Fallback::deny), "PullImage", pull_of(name));
    EXPECT_EQ(reply.status.message, "the runtime's own words");
    EXPECT_THAT(runtime_.names_asked("PullImage"), ElementsAre(name));
  }
}

TEST_F(ImageCallsTest, APullGoesToTheHolderAndRemembersItsName) {
  FakeRegistry holder;
  holder.put_manifest("library/nginx", "1");
  const std::string name = holder.host() + "/library/nginx:1";

  EXPECT_TRUE(handle(calls({entry_at(holder.url(), 500)}), "PullImage", pull_of("nginx:1")).is_ok());

  EXPECT_THAT(runtime_.names_asked("PullImage"), ElementsAre(name));
  EXPECT_EQ(names_->pulled_name(reference("nginx:1")), name);
}

TEST_F(ImageCallsTest, APullGoesOnToTheNextSourceAndForgetsWhereTheOriginalServed) {
  FakeRegistry holder;
  holder.put_manifest("library/nginx", "1");
  const std::string name = holder.host() + "/library/nginx:1";
  runtime_.failures["PullImage " + name] = {StatusCode::unknown, "blob missing"};
  names_->remember(reference("nginx:1"), name);

  EXPECT_TRUE(handle(calls({entry_at(holder.url(), 500)}), "PullImage", pull_of("nginx:1")).is_ok());

  EXPECT_THAT(runtime_.names_asked("PullImage"), ElementsAre(name, "nginx:1"));
  EXPECT_TRUE(names_->empty());
}

TEST_F(ImageCallsTest, APullIsADecisionThatSaysWhyItsSourceWasUsed) {
  FakeRegistry holder;
  holder.put_manifest("library/nginx", "1");
  const std::string name = holder.host() + "/library/nginx:1";
  const ImageCalls calls = this->calls({entry_at(holder.url(), 700)});

  EXPECT_TRUE(handle(calls, "PullImage", pull_of("nginx:1")).is_ok());
  runtime_.failures["PullImage " + name] = {StatusCode::unknown, "blob missing"};
  EXPECT_TRUE(handle(calls, "PullImage", pull_of("nginx:1")).is_ok());

  const std::vector<Decision> decisions = decisions_->decisions();
  ASSERT_EQ(decisions.size(), 2U);
  EXPECT_EQ(decisions[1].image, "nginx:1");
  EXPECT_EQ(decisions[1].source, holder.url());
  EXPECT_EQ(decisions[1].name, name);
  EXPECT_EQ(decisions[1].priority, 700);
  EXPECT_EQ(decisions[1].why, "priority 700, has it");
  EXPECT_EQ(decisions[1].attempts, 1U);
  EXPECT_TRUE(decisions[0].is_pulled);
  EXPECT_EQ(decisions[0].source, "docker.io");
  EXPECT_EQ(decisions[0].why, "the image's own registry; not " + holder.url() + ": blob missing");
  EXPECT_EQ(decisions[0].attempts, 2U);
}

TEST_F(ImageCallsTest, APullThatFailedIsADecisionWithTheErrorThatTheKubeletReads) {
  FakeRegistry empty;
  const Reply reply =
      handle(calls({entry_at(empty.url(), 500)}, registry::Fallback::deny), "PullImage", pull_of("nginx:1"));
  const std::vector<Decision> decisions = decisions_->decisions();
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_FALSE(decisions[0].is_pulled);
  EXPECT_EQ(decisions[0].source, "");
  EXPECT_EQ(decisions[0].why, reply.status.message);
  EXPECT_EQ(decisions[0].attempts, 0U);
}

TEST_F(ImageCallsTest, APullThatNoRegistryIsLookedThroughForIsNoDecision) {
  runtime_.failures["PullImage"] = {StatusCode::unknown, "the runtime's own words"};
  handle(calls({}), "PullImage", pull_of("nginx:1"));
  handle(calls(two_entries()), "PullImage", pull_of("sha256:" + std::string(64, 'a')));
  EXPECT_THAT(decisions_->decisions(), IsEmpty());
}

TEST_F(ImageCallsTest, WhatThePodSentGoesToTheOriginalsHostOnly) {
  FakeRegistry holder;
  holder.put_manifest("library/nginx", "1");
  registry::Entry entry = entry_at(holder.url(), 500);
  entry.credential = credentials::Credential{.username = "robot", .password = Secret("configured")};
  runtime_.failures["PullImage " + holder.host() + "/library/nginx:1"] = {StatusCode::unknown, "blob missing"};

  handle(calls({entry}), "PullImage", pull_of("nginx:1", "of-the-pod"));

  ASSERT_EQ(runtime_.asked.size(), 2U);
  const auto first = parsed<wire::PullImageRequest>(runtime_.asked[0].message);
  EXPECT_EQ(first.auth().username(), "robot");
  EXPECT_EQ(first.auth().password(), "configured");
  EXPECT_EQ(first.auth().server_address(), holder.url());
  EXPECT_EQ(runtime_.asked[1].message, pull_of("nginx:1", "of-the-pod"));
}

TEST_F(ImageCallsTest, AFailedPullWithThePodsSecretNamesTheSecretsRegistryFirst) {
  FakeRegistry empty;
  for (const char* password : {"of-the-pod", static_cast<const char*>(nullptr)}) {
    runtime_.failures["PullImage harbor.test/app:1"] = {StatusCode::unknown, "401 Unauthorized"};
    const Reply reply =
        handle(calls({entry_at(empty.url(), 500)}), "PullImage", pull_of("harbor.test/app:1", password));
    const std::string first =
        password != nullptr ? "harbor.test: 401 Unauthorized; " : empty.url() + ": 404 Not Found; ";
    EXPECT_THAT(reply.status.message, StartsWith("cannot pull harbor.test/app:1: " + first));
    EXPECT_EQ(reply.status.code, StatusCode::unknown);
  }
}

TEST_F(ImageCallsTest, APullThatIsDeniedNamesWhatWasTried) {
  FakeRegistry empty;
  const Reply reply =
      handle(calls({entry_at(empty.url(), 500)}, registry::Fallback::deny), "PullImage", pull_of("nginx:1"));
  EXPECT_EQ(reply.status.code, StatusCode::not_found);
  EXPECT_THAT(reply.status.message, StartsWith("cannot pull nginx:1: " + empty.url()));
  EXPECT_THAT(runtime_.asked, IsEmpty());
}

TEST_F(ImageCallsTest, APullEndsAtTheCallersDeadlineWhileRegistriesAreAsked) {
  FakeRegistry silent;
  silent.set_fault("*", {.kind = test::Fault::Kind::hang});
  caller_.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  const Reply reply = handle(calls({entry_at(silent.url(), 500)}), "PullImage", pull_of("nginx:1"));
  EXPECT_EQ(reply.status.code, StatusCode::deadline_exceeded);
  EXPECT_THAT(reply.status.message, HasSubstr(silent.url() + ": no answer within"));
  EXPECT_THAT(runtime_.names_asked("PullImage"), IsEmpty());
}

TEST_F(ImageCallsTest, APullEndsWhereNoOtherSourceCanHelp) {
  FakeRegistry holder;
  holder.put_manifest("library/nginx", "1");
  runtime_.failures["PullImage"] = {StatusCode::unknown, "write: no space left on device"};
  const Reply reply = handle(calls({entry_at(holder.url(), 500)}), "PullImage", pull_of("nginx:1"));
  EXPECT_THAT(reply.status.message, HasSubstr("no space left"));
  EXPECT_EQ(runtime_.asked.size(), 1U);
}

}  // namespace
}  // namespace shim::cri
