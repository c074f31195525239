#include "proxy/dialects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace shim::proxy {
namespace {

namespace asio = boost::asio;
using cri::Service;
using http2::StatusCode;
using testing::ElementsAre;

// A runtime whose answers the test gives, at once or when it lets them go.
class AskedRuntime {
 public:
  explicit AskedRuntime(asio::io_context& context) : gate_(context, asio::steady_timer::time_point::max()) {}

  void answer(Service service, Dialect dialect, StatusCode code, std::string message = {}) {
    answers_[{service, dialect}] = {code, std::move(message)};
  }
  // Whoever asks from now on goes before there is an answer.
  void lose_askers(bool are_lost) { askers_are_lost_ = are_lost; }
  // Answers wait until release().
  void hold() { is_held_ = true; }
  void release() {
    is_held_ = false;
    gate_.cancel();
  }
  asio::awaitable<std::optional<http2::Status>> ask(Dialect dialect, Service service) {
    const bool asker_is_lost = askers_are_lost_;
    questions.push_back(path_of(dialect, service, ""));
    if (is_held_) {
      boost::system::error_code woken;
      co_await gate_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    if (asker_is_lost) co_return std::nullopt;
    http2::Status status;
    status.code = StatusCode::unimplemented;
    if (const auto answer = answers_.find({service, dialect}); answer != answers_.end()) status = answer->second;
    co_return status;
  }

  std::vector<std::string> questions;

 private:
  asio::steady_timer gate_;
  bool is_held_ = false;
  bool askers_are_lost_ = false;
  std::map<std::pair<Service, Dialect>, http2::Status> answers_;
};

constexpr const char* kAskV1 = "/runtime.v1.RuntimeService/";
constexpr const char* kAskV1alpha2 = "/runtime.v1alpha2.RuntimeService/";
constexpr const char* kAskImageV1alpha2 = "/runtime.v1alpha2.ImageService/";
constexpr const char* kAskImageV1 = "/runtime.v1.ImageService/";

class Speaking : public testing::Test {
 protected:
  static constexpr Service kRuntime = Service::runtime;

  Speaking() { auto_.on_link(RuntimeLink::Event::connected); }

  void settle() {
    context_.restart();
    while (context_.poll() != 0) context_.restart();
  }
  // Begins a call; its dialect is in `found` once it is known.
  void begin(Dialects& dialects, Service service, Dialect spoken, std::optional<Dialect>& found,
             asio::cancellation_slot slot = {}) {
    asio::co_spawn(context_, dialects.find(service, spoken, ask_),
                   asio::bind_cancellation_slot(slot, [&found](const std::exception_ptr& thrown, Dialect dialect) {
                     if (!thrown) found = dialect;
                   }));
    settle();
  }
  std::optional<Dialect> find(Dialects& dialects, Service service, Dialect spoken) {
    std::optional<Dialect> found;
    begin(dialects, service, spoken, found);
    return found;
  }

  asio::io_context context_{1};
  AskedRuntime runtime_{context_};
  const Dialects::Ask ask_ = [this](Dialect dialect, Service service) { return runtime_.ask(dialect, service); };
  Dialects auto_{context_, std::nullopt};
};

TEST_F(Speaking, IsForwardedAsItCameWhereTheRuntimeSpeaksIt) {
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::ok);
  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1), std::nullopt);
  EXPECT_EQ(find(auto_, kRuntime, Dialect::v1), Dialect::v1);
  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1), Dialect::v1);
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskV1));
}

TEST_F(Speaking, IsTranslatedWhereTheRuntimeSpeaksOnlyTheOther) {
  runtime_.answer(kRuntime, Dialect::v1alpha2, StatusCode::ok);
  EXPECT_EQ(find(auto_, kRuntime, Dialect::v1), Dialect::v1alpha2);
  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1), Dialect::v1alpha2);
  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1alpha2), Dialect::v1alpha2);
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskV1, kAskV1alpha2));
}

TEST_F(Speaking, StaysAsItCameWhereTheRuntimeSpeaksNeither) {
  EXPECT_EQ(find(auto_, kRuntime, Dialect::v1alpha2), Dialect::v1alpha2);
  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1alpha2), Dialect::v1alpha2);
}

TEST_F(Speaking, IsLearntFromAnyErrorOfTheMethodsOwn) {
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::internal);
  EXPECT_EQ(find(auto_, kRuntime, Dialect::v1), Dialect::v1);
  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1), Dialect::v1);
}

TEST_F(Speaking, IsLearntForEachServiceAlone) {
  runtime_.answer(Service::image, Dialect::v1, StatusCode::ok);  // an image-only plugin
  EXPECT_EQ(find(auto_, Service::image, Dialect::v1), Dialect::v1);
  EXPECT_EQ(find(auto_, Service::runtime, Dialect::v1), Dialect::v1);
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskImageV1, kAskV1, kAskV1alpha2));
}

TEST_F(Speaking, MayBeV1InOneServiceAndV1alpha2InTheOther) {
  runtime_.answer(Service::image, Dialect::v1alpha2, StatusCode::ok);
  runtime_.answer(Service::runtime, Dialect::v1, StatusCode::ok);
  EXPECT_EQ(find(auto_, Service::image, Dialect::v1), Dialect::v1alpha2);
  EXPECT_EQ(find(auto_, Service::runtime, Dialect::v1), Dialect::v1);
  EXPECT_EQ(find(auto_, Service::image, Dialect::v1alpha2), Dialect::v1alpha2);
  EXPECT_EQ(find(auto_, Service::runtime, Dialect::v1alpha2), Dialect::v1);
}

TEST_F(Speaking, IsLearntFromAServiceThatLacksTheMethodOfTheQuestion) {
  for (const char* message :
       {"unknown method ImageFsInfo for service runtime.v1.ImageService", "method ImageFsInfo not implemented"}) {
    Dialects dialects(context_, std::nullopt);
    runtime_.answer(Service::image, Dialect::v1alpha2, StatusCode::unimplemented,
                    "unknown service runtime.v1alpha2.ImageService");
    runtime_.answer(Service::image, Dialect::v1, StatusCode::unimplemented, message);
    EXPECT_EQ(find(dialects, Service::image, Dialect::v1alpha2), Dialect::v1) << message;
  }
}

TEST_F(Speaking, IsAskedAgainAfterTheRuntimeWentAway) {
  runtime_.answer(kRuntime, Dialect::v1alpha2, StatusCode::ok);
  find(auto_, kRuntime, Dialect::v1);
  auto_.on_link(RuntimeLink::Event::connected);

  auto_.on_link(RuntimeLink::Event::lost);
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::ok);

  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1), std::nullopt);
  EXPECT_EQ(find(auto_, kRuntime, Dialect::v1), Dialect::v1);
}

TEST_F(Speaking, IsAskedAgainWhereNobodyWasConnectedForAWhile) {
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::ok);
  find(auto_, kRuntime, Dialect::v1);
  auto_.on_link(RuntimeLink::Event::connected);

  auto_.on_link(RuntimeLink::Event::left);
  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1), Dialect::v1) << "another client would have seen it go";
  auto_.on_link(RuntimeLink::Event::left);
  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1), std::nullopt);
}

TEST_F(Speaking, IsAsPinnedFromThenOn) {
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::ok);
  runtime_.answer(kRuntime, Dialect::v1alpha2, StatusCode::ok);
  EXPECT_EQ(find(auto_, kRuntime, Dialect::v1), Dialect::v1);

  auto_.pin(Dialect::v1alpha2);
  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1), std::nullopt);
  EXPECT_EQ(find(auto_, kRuntime, Dialect::v1), Dialect::v1alpha2);

  auto_.pin(std::nullopt);
  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1), Dialect::v1);
}

TEST_F(Speaking, EndsAsItBeganWhereItIsPinnedMeanwhile) {
  Dialects pinned(context_, Dialect::v1);
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::ok);
  runtime_.hold();
  std::optional<Dialect> found;
  begin(pinned, kRuntime, Dialect::v1alpha2, found);

  pinned.pin(std::nullopt);
  runtime_.release();
  settle();

  EXPECT_EQ(found, Dialect::v1);
}

TEST_F(Speaking, IsAskedOnceForManyCallers) {
  runtime_.answer(kRuntime, Dialect::v1alpha2, StatusCode::ok);
  runtime_.hold();
  std::vector<std::optional<Dialect>> found(20);
  for (auto& one : found) begin(auto_, kRuntime, Dialect::v1, one);
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskV1));

  runtime_.release();
  settle();

  EXPECT_THAT(found, testing::Each(std::optional(Dialect::v1alpha2)));
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskV1, kAskV1alpha2));
}

TEST_F(Speaking, IsNotLearntFromARuntimeThatDoesNotAnswer) {
  for (const StatusCode code : {StatusCode::unavailable, StatusCode::deadline_exceeded, StatusCode::cancelled}) {
    runtime_.answer(kRuntime, Dialect::v1, code);
    EXPECT_EQ(find(auto_, kRuntime, Dialect::v1), Dialect::v1) << "the call goes on as it came";
    EXPECT_EQ(auto_.known(kRuntime, Dialect::v1), std::nullopt);
  }
  EXPECT_EQ(runtime_.questions.size(), 3U);
}

TEST_F(Speaking, ASilentRuntimeIsNotAskedOnceForEachCallerInTurn) {
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::deadline_exceeded);
  runtime_.hold();
  std::vector<std::optional<Dialect>> found(20);
  for (auto& one : found) begin(auto_, kRuntime, Dialect::v1, one);

  runtime_.release();
  settle();

  EXPECT_THAT(found, testing::Each(std::optional(Dialect::v1)));
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskV1));
}

TEST_F(Speaking, IsLearntThoughTheOneWhoAskedGaveUp) {
  runtime_.answer(kRuntime, Dialect::v1alpha2, StatusCode::ok);
  runtime_.hold();
  asio::cancellation_signal cancel;
  std::optional<Dialect> first;
  std::optional<Dialect> second;
  begin(auto_, kRuntime, Dialect::v1, first, cancel.slot());
  begin(auto_, kRuntime, Dialect::v1, second);

  cancel.emit(asio::cancellation_type::terminal);
  settle();
  runtime_.release();
  settle();

  EXPECT_EQ(second, Dialect::v1alpha2);
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskV1, kAskV1alpha2));
}

TEST_F(Speaking, IsLearntThoughOneWhoWaitedGaveUp) {
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::ok);
  runtime_.hold();
  asio::cancellation_signal cancel;
  std::optional<Dialect> first;
  std::optional<Dialect> second;
  begin(auto_, kRuntime, Dialect::v1, first);
  begin(auto_, kRuntime, Dialect::v1, second, cancel.slot());

  cancel.emit(asio::cancellation_type::terminal);
  runtime_.release();
  settle();

  EXPECT_EQ(first, Dialect::v1);
}

TEST_F(Speaking, IsAskedByTheNextWhereTheAskersConnectionIsGone) {
  runtime_.answer(kRuntime, Dialect::v1alpha2, StatusCode::ok);
  runtime_.hold();
  runtime_.lose_askers(true);
  asio::cancellation_signal cancel;
  std::optional<Dialect> first;
  std::optional<Dialect> second;
  begin(auto_, kRuntime, Dialect::v1, first, cancel.slot());
  begin(auto_, kRuntime, Dialect::v1, second);

  cancel.emit(asio::cancellation_type::terminal);
  runtime_.lose_askers(false);
  runtime_.release();
  settle();

  EXPECT_EQ(second, Dialect::v1alpha2);
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskV1, kAskV1, kAskV1alpha2));
}

TEST_F(Speaking, IsLearntFromALateAnswerThatNobodyWaitedFor) {
  Dialects impatient(context_, std::nullopt, std::chrono::nanoseconds(0));
  runtime_.answer(Service::image, Dialect::v1alpha2, StatusCode::ok);
  runtime_.hold();
  EXPECT_EQ(find(impatient, Service::image, Dialect::v1), Dialect::v1) << "the call goes on as it came";
  EXPECT_EQ(find(impatient, Service::image, Dialect::v1), Dialect::v1) << "the next one, too, and asks no more";
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskImageV1));

  runtime_.release();
  settle();
  find(impatient, Service::image, Dialect::v1);

  EXPECT_EQ(impatient.known(Service::image, Dialect::v1), Dialect::v1alpha2);
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskImageV1, kAskImageV1alpha2));
}

TEST_F(Speaking, IsAskedOfTheNextRuntimeWhereOneGoesWhileItIsAsked) {
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::ok);
  runtime_.hold();
  std::vector<std::optional<Dialect>> found(3);
  for (auto& one : found) begin(auto_, kRuntime, Dialect::v1, one);

  auto_.on_link(RuntimeLink::Event::lost);
  auto_.on_link(RuntimeLink::Event::connected);
  settle();
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::unimplemented);
  runtime_.answer(kRuntime, Dialect::v1alpha2, StatusCode::ok);
  runtime_.release();
  settle();

  EXPECT_THAT(found, testing::Each(std::optional(Dialect::v1alpha2)));
  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1), Dialect::v1alpha2);
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskV1, kAskV1, kAskV1alpha2));
}

TEST_F(Speaking, AnAnswerOfTheRuntimeBeforeIsNotKept) {
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::ok);
  runtime_.hold();
  asio::cancellation_signal cancel;
  std::optional<Dialect> found;
  begin(auto_, kRuntime, Dialect::v1, found, cancel.slot());
  cancel.emit(asio::cancellation_type::terminal);
  settle();

  auto_.on_link(RuntimeLink::Event::lost);
  runtime_.release();
  settle();

  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1), std::nullopt);
}

TEST_F(Speaking, IsThePinnedDialectWhereTheRuntimeHasIt) {
  Dialects pinned(context_, Dialect::v1alpha2);
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::ok);
  runtime_.answer(kRuntime, Dialect::v1alpha2, StatusCode::ok);
  EXPECT_EQ(find(pinned, kRuntime, Dialect::v1), Dialect::v1alpha2);
  EXPECT_EQ(pinned.known(kRuntime, Dialect::v1), Dialect::v1alpha2);
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskV1alpha2));
}

TEST_F(Speaking, GoesOnAsAutoWhereThePinIsStale) {
  Dialects pinned(context_, Dialect::v1alpha2);
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::ok);
  EXPECT_EQ(find(pinned, kRuntime, Dialect::v1), Dialect::v1);
  EXPECT_EQ(pinned.known(kRuntime, Dialect::v1), Dialect::v1);
  EXPECT_EQ(find(pinned, kRuntime, Dialect::v1alpha2), Dialect::v1);
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskV1alpha2, kAskV1));
}

TEST_F(Speaking, IsAskedOnceOfASilentRuntimeWhateverIsPinned) {
  Dialects pinned(context_, Dialect::v1alpha2);
  runtime_.answer(kRuntime, Dialect::v1alpha2, StatusCode::deadline_exceeded);
  EXPECT_EQ(find(pinned, kRuntime, Dialect::v1), Dialect::v1) << "the pin may be stale: the call goes on as it came";
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskV1alpha2));
}

}  // namespace
}  // namespace shim::proxy
