#include "image/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "image/grammar.h"

namespace shim::image {
namespace {

using testing::HasSubstr;

#define HEX32 "0123456789abcdef0123456789abcdef"
#define HEX64 HEX32 HEX32
#define SHA "sha256:" HEX64

struct Row {
  std::string text, host, path, tag, digest;
};

std::string repeat(std::string_view part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += part;
  return out;
}

// The rows whose host is in capitals differ from the distribution project's only in the case of the host.
std::vector<Row> valid_rows() {
  return {
      // Docker Hub's short names
      {"nginx", "docker.io", "library/nginx", "latest", ""},
      {"nginx:1.25", "docker.io", "library/nginx", "1.25", ""},
      {"nginx@" SHA, "docker.io", "library/nginx", "", SHA},
      {"nginx:1.25@" SHA, "docker.io", "library/nginx", "1.25", SHA},
      {"library/nginx", "docker.io", "library/nginx", "latest", ""},
      {"org/app", "docker.io", "org/app", "latest", ""},
      {"a/b/c/d", "docker.io", "a/b/c/d", "latest", ""},
      {"docker.io/nginx", "docker.io", "library/nginx", "latest", ""},
      {"docker.io/org/app:v1", "docker.io", "org/app", "v1", ""},
      {"docker.io/library/library", "docker.io", "library/library", "latest", ""},
      {"index.docker.io/nginx", "docker.io", "library/nginx", "latest", ""},
      {"index.docker.io/org/app", "docker.io", "org/app", "latest", ""},
      {"registry-1.docker.io/nginx:1", "docker.io", "library/nginx", "1", ""},
      {"Docker.IO/nginx", "docker.io", "library/nginx", "latest", ""},
      {"docker.io:443/nginx", "docker.io:443", "nginx", "latest", ""},
      {"localhost", "docker.io", "library/localhost", "latest", ""},
      {"localhost:5000", "docker.io", "library/localhost", "5000", ""},
      {"sha256", "docker.io", "library/sha256", "latest", ""},
      {"sha256:latest", "docker.io", "library/sha256", "latest", ""},
      {"docker", "docker.io", "library/docker", "latest", ""},
      // hosts and ports
      {"localhost/x", "localhost", "x", "latest", ""},
      {"LOCALHOST/x", "localhost", "x", "latest", ""},
      {"localhost:5000/x:v", "localhost:5000", "x", "v", ""},
      {"a:5000/x", "a:5000", "x", "latest", ""},
      {"a:5000/x:1@" SHA, "a:5000", "x", "1", SHA},
      {"a:5000/org/x", "a:5000", "org/x", "latest", ""},
      {"sealos.hub:5000/library/nginx:1.25", "sealos.hub:5000", "library/nginx", "1.25", ""},
      {"ghcr.io/org/app:v1", "ghcr.io", "org/app", "v1", ""},
      {"registry.k8s.io/pause:3.9", "registry.k8s.io", "pause", "3.9", ""},
      {"10.0.0.1/x", "10.0.0.1", "x", "latest", ""},
      {"10.0.0.1:80/x", "10.0.0.1:80", "x", "latest", ""},
      {"a-b.c-d.io/x", "a-b.c-d.io", "x", "latest", ""},
      {"xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com", "myimage", "xn--n3h.com", ""},
      {"test.com:99999/x", "test.com:99999", "x", "latest", ""},
      {"1.io/x", "1.io", "x", "latest", ""},
      {"[::1]/x", "[::1]", "x", "latest", ""},
      {"[::1]:5000/x:v@" SHA, "[::1]:5000", "x", "v", SHA},
      {"[2001:db8::1]:5000/org/x", "[2001:db8::1]:5000", "org/x", "latest", ""},
      {"[2001:DB8::1]/x", "[2001:db8::1]", "x", "latest", ""},
      {"[2001:db8:1:2:3:4:5:6]/x", "[2001:db8:1:2:3:4:5:6]", "x", "latest", ""},
      // capitals: allowed in a host, and they make one
      {"UPPER/x", "UPPER", "x", "latest", ""},
      {"Upper/x:V1", "Upper", "x", "V1", ""},
      {"UPPER:5000/x", "upper:5000", "x", "latest", ""},
      {"GHCR.io/org/app", "ghcr.io", "org/app", "latest", ""},
      // paths
      {"foo_bar", "docker.io", "library/foo_bar", "latest", ""},
      {"foo__bar", "docker.io", "library/foo__bar", "latest", ""},
      {"foo---bar", "docker.io", "library/foo---bar", "latest", ""},
      {"foo.bar", "docker.io", "library/foo.bar", "latest", ""},
      {"foo.bar/baz.qux", "foo.bar", "baz.qux", "latest", ""},
      {"a/foo.bar", "docker.io", "a/foo.bar", "latest", ""},
      {"foo_bar/x", "docker.io", "foo_bar/x", "latest", ""},
      {"0/1/2", "docker.io", "0/1/2", "latest", ""},
      {"h.io/a.b_c__d-e--f", "h.io", "a.b_c__d-e--f", "latest", ""},
      {"h.io/" + std::string(255, 'a'), "h.io", std::string(255, 'a'), "latest", ""},
      {std::string(247, 'a'), "docker.io", "library/" + std::string(247, 'a'), "latest", ""},
      {"a/" HEX64, "docker.io", "a/" HEX64, "latest", ""},
      {HEX64 ":latest", "docker.io", "library/" HEX64, "latest", ""},
      {HEX32, "docker.io", "library/" HEX32, "latest", ""},
      // tags
      {"x:_", "docker.io", "library/x", "_", ""},
      {"x:V1.2.3-rc_4", "docker.io", "library/x", "V1.2.3-rc_4", ""},
      {"x:" + std::string(128, 'T'), "docker.io", "library/x", std::string(128, 'T'), ""},
      {"x:" HEX64, "docker.io", "library/x", HEX64, ""},
      // digests
      {"h.io/x@sha512:" + repeat(HEX32, 4), "h.io", "x", "", "sha512:" + repeat(HEX32, 4)},
      {"h.io/x@sha384:" + repeat(HEX32, 3), "h.io", "x", "", "sha384:" + repeat(HEX32, 3)},
      {"h.io/x@blake3:" HEX64, "h.io", "x", "", "blake3:" HEX64},
      {"h.io/x@a+b.c-d_e:" HEX32, "h.io", "x", "", "a+b.c-d_e:" HEX32},
      {"h.io/x@md9:ABCDEF" HEX32, "h.io", "x", "", "md9:ABCDEF" HEX32},
  };
}

TEST(Reference, ParsesTheDistributionGrammarIntoDockersNormalForm) {
  for (const Row& row : valid_rows()) {
    const auto reference = Reference::parse(row.text);
    ASSERT_TRUE(reference) << reference.error().message;
    EXPECT_EQ(reference->original(), row.text);
    EXPECT_EQ(reference->host(), row.host) << row.text;
    EXPECT_EQ(reference->path(), row.path) << row.text;
    EXPECT_EQ(reference->tag(), row.tag) << row.text;
    EXPECT_EQ(reference->digest(), row.digest) << row.text;
    EXPECT_EQ(reference->repository(), row.host + "/" + row.path);
  }
}

TEST(Reference, TheCanonicalFormIsItsOwn) {
  for (const Row& row : valid_rows()) {
    const auto reference = Reference::parse(row.text);
    const auto again = Reference::parse(reference->canonical());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, *reference) << row.text;
    EXPECT_EQ(again->canonical(), reference->canonical());
  }
}

TEST(Reference, RefusesWhatTheGrammarRefuses) {
  const std::vector<std::string> rows = {
      "", "/", "/x", "x/", "a//b", "h.io/", "h.io//x", "h.io/x/", ":", ":v1", "x:", "x@", "x:@" SHA, "@" SHA, "a:5000/",
      "a:/x", "a:x/y", "a:50x0/y", "nginx:1.25/x", "x:v1:v2", "x:v1/y", "x:-v", "x:.v", "x:v+1", "x:v 1",
      "x:" + std::string(129, 'T'), "h.io/" + std::string(256, 'a'), std::string(248, 'a'),
      "h.io/a/" + std::string(254, 'b'),
      // capitals in the path
      "NGINX", "h.io/NGINX", "a/B", "UPPER", "UPPER/X", "localhost/X:v",
      // separators
      "-x", "x-", "_x", "x_", ".x", "x.", "a___b", "a._b", "a..b", "a.-b", "a-_b", "h.io/-x", "h.io/x-/y", "a/../b",
      "..",
      // hosts
      "-h.io/x", "h-.io/x", "h..io/x", ".io/x", "h.io./x", "h_h.io/x", "h.io:/x", "[::1/x", "::1/x", "[::1]x/y", "[]/x",
      "[:]/x", "[::g]/x", "[fe80::1%25eth0]/x", "[::ffff:1.2.3.4]/x", "[::1]:/x", "[::1]",
      std::string(256, 'h') + ".io/x",
      // unicode and bytes that are never allowed
      "nginx\xC3\xA9", "镜像", "h.io/镜像", "hó.io/x", "x:标签", "x y", " x", "x ", "x\n", "x\t",
      std::string("x\0y", 3), "x\x7f", "ｎginx", "https://h.io/x", "http://h.io/x", "x?y", "x#y", "x%20", "x\\y", "*",
      "h.io/*", "${X}",
      // digests
      "x@sha256", "x@sha256:", "x@sha256:" HEX32, "x@sha256:" HEX64 "0", "x@sha512:" HEX64, "x@sha384:" HEX64,
      "x@SHA256:" HEX64, "x@sha256:0123456789ABCDEF" HEX32 "0123456789abcdef", "x@sha256:g" + std::string(63, '0'),
      "x@:" HEX64, "x@+a:" HEX64, "x@a+:" HEX64, "x@a++b:" HEX64, "x@1a:" HEX64, "x@blake3:" + std::string(31, '0'),
      "x@" SHA "@" SHA, "x@" SHA ":v1", "x@blake3:" + std::string(2000, '0'),
      // image IDs
      HEX64, SHA, "sha256:abc123", "docker://" SHA, "docker-pullable://nginx@" SHA, std::string(1 << 20, 'a'),
      std::string(1 << 20, '/'), std::string(1 << 20, ':')};
  for (const std::string& text : rows) EXPECT_FALSE(Reference::parse(text)) << text.substr(0, 200);
}

TEST(Reference, SaysWhichRuleIsBroken) {
  const auto message = [](std::string_view text) { return Reference::parse(text).error().message; };
  EXPECT_EQ(message(""), "invalid image name \"\": it is empty");
  EXPECT_EQ(message("h.io/NGINX"), "invalid image name \"h.io/NGINX\": the path must be lower case: \"NGINX\"");
  EXPECT_EQ(message("a//b"), "invalid image name \"a//b\": the path has an empty part");
  EXPECT_EQ(message("x:"), "invalid image name \"x:\": the tag after the colon is empty");
  EXPECT_EQ(message("a:x/y"), "invalid image name \"a:x/y\": the port \"x\" is no number");
  EXPECT_EQ(message("x@sha256:12"), "invalid image name \"x@sha256:12\": a sha256 digest has 64 lower-case hex digits");
  EXPECT_EQ(
      message("h_h.io/x"),
      "invalid image name \"h_h.io/x\": the part \"h_h\" of the host holds more than letters, digits and hyphens");
  EXPECT_THAT(message(HEX64), HasSubstr("it is an image ID"));
}

TEST(Reference, ItsErrorsAreBoundedAndCannotForgeALine) {
  for (const std::string_view text : {"x\ny", "h\n.io/x", "x:\n", "x@sha\n:1", "[\n]/x", "h:\n/x"}) {
    EXPECT_EQ(Reference::parse(text).error().message.find('\n'), std::string::npos);
  }
  for (const char c : {'a', '/', ':', '@', '\n', '-', '[', '\xff', 'A', '.'}) {
    for (const std::string& text :
         {std::string(4000, c), "x:" + std::string(4000, c), "h.io/a" + std::string(4000, c) + "b",
          std::string(4000, c) + "/x", "x@" + std::string(4000, c)}) {
      const auto reference = Reference::parse(text);
      if (reference) continue;
      EXPECT_LT(reference.error().message.size(), 512u) << reference.error().message;
    }
  }
}

TEST(Reference, KnowsWhetherTheTagWasWritten) {
  EXPECT_FALSE(Reference::parse("nginx")->tag_was_written());
  EXPECT_TRUE(Reference::parse("nginx:latest")->tag_was_written());
  EXPECT_FALSE(Reference::parse("nginx@" SHA)->tag_was_written());
  EXPECT_EQ(*Reference::parse("nginx"), *Reference::parse("docker.io/library/nginx:latest"));
}

TEST(Reference, SuffixIsWhatFollowsTheRepository) {
  EXPECT_EQ(Reference::parse("nginx")->suffix(), ":latest");
  EXPECT_EQ(Reference::parse("nginx@" SHA)->suffix(), "@" SHA);
  EXPECT_EQ(Reference::parse("nginx:1@" SHA)->suffix(), ":1@" SHA);
}

TEST(ImageId, NamesAnImageInARuntimesStore) {
  for (const std::string_view text : {SHA, "sha256:abc123", HEX64, "docker://" SHA, "docker-pullable://nginx@" SHA,
                                      "containerd://" SHA, "cri-o://" HEX64}) {
    EXPECT_TRUE(is_image_id(text)) << text;
  }
  for (const std::string_view text : {"", "nginx", "sha256:", "sha256:latest", "sha256", HEX32, HEX64 "0", "nginx@" SHA,
                                      "a/" HEX64, "https://h.io/x", "docker:24", "docker:/x"}) {
    EXPECT_FALSE(is_image_id(text)) << text;
  }
}

// Makes texts from a seed; every failure can be repeated.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return random_() % bound; }
  std::string pick(const std::vector<std::string>& from) { return from[below(from.size())]; }
  std::string of(std::string_view letters, std::size_t least, std::size_t most) {
    std::string out;
    for (std::size_t i = least + below(most - least + 1); i > 0; --i) out += letters[below(letters.size())];
    return out;
  }
  // A reference with a host, a tag or a digest, and so in canonical form already.
  std::string canonical_reference() {
    std::string out = pick({"h.io", "a-b.example.com", "10.1.2.3", "localhost", "[::1]", "[2001:db8::7]", "HOST"});
    if (out != "HOST" && below(2) == 0) out += ":" + of("0123456789", 1, 5);
    for (std::size_t i = 1 + below(4); i > 0; --i) out += "/" + component();
    const std::size_t what = below(3);
    if (what != 0) out += ":" + of("abcXYZ019_", 1, 1) + of("abcXYZ019_.-", 0, 127);
    if (what != 1)
      out += "@" + pick({"sha256:" + of("0123456789abcdef", 64, 64), "sha512:" + of("0123456789abcdef", 128, 128)});
    return out;
  }
  // Text that is nearly a reference: pieces of the grammar in any order.
  std::string near_reference() {
    std::string out;
    for (std::size_t i = below(8); i > 0; --i) {
      out += pick({"nginx",
                   "h.io",
                   "/",
                   ":",
                   "@",
                   ":5000",
                   "localhost",
                   "UPPER",
                   "[::1]",
                   "[",
                   "]",
                   "sha256:",
                   SHA,
                   ".",
                   "_",
                   "-",
                   "__",
                   "v1",
                   "é",
                   "library",
                   "docker.io/",
                   "index.docker.io/",
                   std::string(1, '\0'),
                   "\n",
                   HEX64});
    }
    return out;
  }
  std::string bytes() {
    std::string out(below(64), '\0');
    for (char& c : out) c = static_cast<char>(random_());
    return out;
  }

 private:
  std::string component() {
    std::string out = of("abcz019", 1, 8);
    for (std::size_t i = below(3); i > 0; --i) out += pick({".", "_", "__", "-", "---"}) + of("abcz019", 1, 6);
    return out;
  }

  std::mt19937 random_;
};

TEST(ReferenceProperty, PrintingWhatWasParsedGivesTheText) {
  Generator generator(1);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = generator.canonical_reference();
    const auto reference = Reference::parse(text);
    ASSERT_TRUE(reference) << reference.error().message;
    ASSERT_EQ(reference->canonical(), text);
    ASSERT_EQ(reference->repository() + reference->suffix(), text);
  }
}

// What holds for every text, valid or not.
void check_invariants(const std::string& text) {
  const auto reference = Reference::parse(text);
  if (!reference) {
    ASSERT_FALSE(reference.error().message.empty());
    ASSERT_LT(reference.error().message.size(), 512u);
    return;
  }
  ASSERT_EQ(reference->original(), text);
  ASSERT_FALSE(reference->tag().empty() && reference->digest().empty());
  const auto again = Reference::parse(reference->canonical());
  ASSERT_TRUE(again) << text << ": " << again.error().message;
  ASSERT_EQ(*again, *reference) << text;
  ASSERT_EQ(again->canonical(), reference->canonical()) << text;
}

TEST(ReferenceProperty, AnyTextIsRefusedOrCanonicalOnce) {
  Generator generator(2);
  for (int i = 0; i < 100000; ++i) check_invariants(i % 2 == 0 ? generator.near_reference() : generator.bytes());
}

TEST(ReferenceProperty, AChangedByteNeverBreaksAnInvariant) {
  Generator generator(3);
  for (int i = 0; i < 50000; ++i) {
    std::string text = generator.canonical_reference();
    text[generator.below(text.size())] = static_cast<char>(generator.below(256));
    check_invariants(text);
  }
}

}  // namespace
}  // namespace shim::image
