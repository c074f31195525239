#include "proxy/dialects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
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
using testing::IsEmpty;

// A runtime whose answers the test gives, at once or when it lets them go.
class AskedRuntime {
 public:
  explicit AskedRuntime(asio::io_context& context) : gate_(context, asio::steady_timer::time_point::max()) {}

  void answer(Service service, Dialect dialect, StatusCode code) { codes_[{service, dialect}] = code; }
  // Answers wait until release().
  void hold() { is_held_ = true; }
  void release() {
    is_held_ = false;
    gate_.cancel();
  }
  asio::awaitable<http2::Status> ask(Dialect dialect, Service service) {
    questions.push_back(path_of(dialect, service, ""));
    if (is_held_) {
      boost::system::error_code woken;
      co_await gate_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) throw boost::system::system_error(woken);
    }
    http2::Status status;
    const auto code = codes_.find({service, dialect});
    status.code = code == codes_.end() ? StatusCode::unimplemented : code->second;
    co_return status;
  }

  std::vector<std::string> questions;

 private:
  asio::steady_timer gate_;
  bool is_held_ = false;
  std::map<std::pair<Service, Dialect>, StatusCode> codes_;
};

constexpr const char* kAskV1 = "/runtime.v1.RuntimeService/";
constexpr const char* kAskV1alpha2 = "/runtime.v1alpha2.RuntimeService/";
constexpr const char* kAskImageV1 = "/runtime.v1.ImageService/";

class Speaking : public testing::Test {
 protected:
  static constexpr Service kRuntime = Service::runtime;

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

TEST_F(Speaking, IsAskedAgainAfterTheRuntimeWasForgotten) {
  runtime_.answer(kRuntime, Dialect::v1alpha2, StatusCode::ok);
  find(auto_, kRuntime, Dialect::v1);

  auto_.forget();
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::ok);

  EXPECT_EQ(auto_.known(kRuntime, Dialect::v1), std::nullopt);
  EXPECT_EQ(find(auto_, kRuntime, Dialect::v1), Dialect::v1);
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

TEST_F(Speaking, IsAskedByTheNextWhereTheOneWhoAskedGaveUp) {
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::ok);
  runtime_.hold();
  asio::cancellation_signal cancel;
  std::optional<Dialect> first;
  std::optional<Dialect> second;
  begin(auto_, kRuntime, Dialect::v1, first, cancel.slot());
  begin(auto_, kRuntime, Dialect::v1, second);

  cancel.emit(asio::cancellation_type::terminal);
  settle();
  EXPECT_THAT(runtime_.questions, ElementsAre(kAskV1, kAskV1));
  runtime_.release();
  settle();

  EXPECT_EQ(second, Dialect::v1);
}

TEST_F(Speaking, AnAnswerOfTheRuntimeBeforeIsNotKept) {
  runtime_.answer(kRuntime, Dialect::v1, StatusCode::ok);
  runtime_.hold();
  std::optional<Dialect> found;
  begin(auto_, kRuntime, Dialect::v1, found);

  auto_.forget();
  runtime_.release();
  settle();

  EXPECT_EQ(found, Dialect::v1);
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

}  // namespace
}  // namespace shim::proxy
