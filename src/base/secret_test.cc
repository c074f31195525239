#include "base/secret.h"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <nlohmann/json.hpp>
#include <ostream>
#include <type_traits>

namespace {

constexpr std::string_view kShort = "pw-zq7x";  // fits into a std::string itself
constexpr std::string_view kLong = "a-long-password-zq7x-that-needs-an-allocation-of-its-own";

// Blocks that were freed with a secret in them, since the counter was last reset. Every block of this program passes
// here, so the check reads no freed memory.
thread_local bool watching = false;
thread_local int leaks = 0;

[[maybe_unused]] void inspect(const void* block, std::size_t size) {
  if (!watching || block == nullptr) return;
  if (std::string_view(static_cast<const char*>(block), size).find("zq7x") != std::string_view::npos) ++leaks;
}

}  // namespace

// The thread sanitizer brings its own operators; these tests are the address sanitizer's and the plain build's.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHIM_THREAD_SANITIZER
#endif
#endif

#ifndef SHIM_THREAD_SANITIZER
// The size is kept in front of each block, so that also an unsized delete knows it.
void* operator new(std::size_t size) {
  constexpr std::size_t kHeader = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  void* block = std::malloc(size + kHeader);
  if (block == nullptr) throw std::bad_alloc();
  *static_cast<std::size_t*>(block) = size;
  return static_cast<char*>(block) + kHeader;
}
void operator delete(void* at) noexcept {
  if (at == nullptr) return;
  char* block = static_cast<char*>(at) - __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  inspect(at, *reinterpret_cast<std::size_t*>(block));
  std::free(block);
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void operator delete[](void* at) noexcept {
  operator delete(at);
}
void operator delete(void* at, std::size_t) noexcept {
  operator delete(at);
}
void operator delete[](void* at, std::size_t) noexcept {
  operator delete(at);
}
#endif  // SHIM_THREAD_SANITIZER

namespace shim {
namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!std::is_convertible_v<Secret, std::string> && !std::is_constructible_v<std::string, Secret>);
static_assert(!std::is_convertible_v<Secret, std::string_view> && !std::is_constructible_v<std::string_view, Secret>);
static_assert(!std::is_convertible_v<Secret, const char*> && !std::is_convertible_v<Secret, bool>);
static_assert(!std::is_convertible_v<std::string, Secret>, "a plain string becomes a secret only on purpose");
static_assert(!Streamable<Secret>);
static_assert(!fmt::is_formattable<Secret>::value);
static_assert(!std::is_constructible_v<nlohmann::json, Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret> && std::is_nothrow_move_assignable_v<Secret>);

// Counts the blocks that `body` frees with a secret in them.
template <class Body>
int leaks_of(Body body) {
  leaks = 0;
  watching = true;
  body();
  watching = false;
  return leaks;
}

TEST(Secret, RevealsItsText) {
  EXPECT_EQ(Secret("pa\"ss").reveal(), "pa\"ss");
  EXPECT_EQ(Secret(std::string("a\0b", 3)).reveal().size(), 3u);
  EXPECT_TRUE(Secret().empty());
  EXPECT_TRUE(Secret("").empty());
  EXPECT_EQ(Secret().reveal(), "");
}

TEST(Secret, ComparesByText) {
  EXPECT_EQ(Secret("a"), Secret(std::string("a")));
  EXPECT_NE(Secret("a"), Secret("b"));
  EXPECT_EQ(Secret(), Secret(""));
}

TEST(Secret, CopiesAndMovesAsAValue) {
  const Secret first("one");
  Secret copy(first);
  EXPECT_EQ(copy, first);
  Secret moved(std::move(copy));
  EXPECT_EQ(moved, first);
  EXPECT_TRUE(copy.empty());  // NOLINT(bugprone-use-after-move): the contract of a moved-from secret
  Secret assigned("two");
  assigned = first;
  EXPECT_EQ(assigned, first);
  assigned = Secret("three");
  EXPECT_EQ(assigned.reveal(), "three");
  Secret& same = assigned;
  assigned = same;
  EXPECT_EQ(assigned.reveal(), "three");
}

TEST(Secret, ClearsTheStringThatIsMovedIn) {
  for (const std::string_view text : {kShort, kLong}) {
    std::string source(text);
    const char* bytes = source.data();
    const Secret secret(std::move(source));
    EXPECT_EQ(std::string_view(bytes, text.size()), std::string(text.size(), '\0'));
    EXPECT_EQ(secret.reveal(), text);
  }
}

TEST(Secret, ClearsWhatAMovedInStringStillHoldsBeyondItsEnd) {
  std::string source(kLong);
  source.resize(4);
  EXPECT_EQ(leaks_of([&] {
              std::string taken = std::move(source);
              const Secret secret(std::move(taken));
            }),
            0);
}

TEST(Secret, LeavesNothingInFreedMemory) {
  for (const std::string_view text : {kShort, kLong}) {
    EXPECT_EQ(leaks_of([&] { const Secret secret(text); }), 0) << "destruction";
    EXPECT_EQ(leaks_of([&] {
                Secret secret(text);
                secret = Secret("x");
              }),
              0)
        << "move assignment";
    EXPECT_EQ(leaks_of([&] {
                Secret secret(text);
                const Secret other("a longer one than before, so that a buffer cannot be used again");
                secret = other;
              }),
              0)
        << "copy assignment";
    EXPECT_EQ(leaks_of([&] {
                auto secret = std::make_unique<Secret>(text);
                const Secret moved(std::move(*secret));
                secret.reset();
              }),
              0)
        << "move construction";
  }
}

#ifndef SHIM_THREAD_SANITIZER
TEST(Secret, TheLeakCheckSeesAPlainString) {
  EXPECT_GT(leaks_of([] { const std::string text(kLong); }), 0);
}
#endif

}  // namespace
}  // namespace shim
