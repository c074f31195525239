// For any file and any ConfigMap: parse(edit(file)) is parse(file) with the overlay, and what the ConfigMap does not
// set stays byte by byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>

#include "config/file_edit.h"
#include "config/overlay_testing.h"
#include "config/print.h"

namespace shim::config {
namespace {

// One top-level entry with its own lines, or lines between entries (an empty key).
struct Piece {
  std::string key;
  std::string text;
};

class Generator {
 public:
  explicit Generator(unsigned int seed) : random_(seed) {}

  std::vector<Piece> file() {
    std::vector<Piece> pieces;
    if (one_of(4)) pieces.push_back({"", pick({"---\n", "%YAML 1.2\n---\n", "# head\n--- # doc\n"})});
    std::vector<std::string> keys = {"shim",  "address", "auth",           "offlinePriority", "registries", "force",
                                     "debug", "timeout", "reloadInterval", "cache",           "probe",      "x-a"};
    std::ranges::shuffle(keys, random_);
    keys.resize(random_() % (keys.size() + 1));
    for (const std::string& key : keys) {
      if (one_of(3)) pieces.push_back({"", between()});
      pieces.push_back({key, entry(key)});
    }
    if (one_of(3)) pieces.push_back({"", between()});
    if (one_of(6)) pieces.push_back({"", "...\n"});
    if (one_of(4)) {
      for (Piece& piece : pieces) piece.text = with_carriage_returns(piece.text);
    }
    if (one_of(4) && !pieces.empty()) {
      std::string& last = pieces.back().text;
      last.resize(last.find_last_not_of("\r\n") + 1);
    }
    return pieces;
  }

  std::string overlay() {
    std::string text;
    if (one_of(2)) text += "offlinePriority: " + pick({"1000", "7", "0", "-3", "''"}) + "\n";
    const bool has_address = one_of(2);
    const bool has_auth = one_of(2);
    if (has_address || has_auth) text += "sealos:\n";
    if (has_address) text += "  address: " + address() + "\n";
    if (has_auth) text += "  auth: " + auth() + "\n";
    if (one_of(2)) text += "registries: " + registries_in_flow() + "\n";
    if (one_of(3)) text += "force: " + flag() + "\n";
    if (one_of(3)) text += "debug: " + flag() + "\n";
    if (one_of(3)) text += "timeout: " + duration() + "\n";
    if (one_of(3)) text += "reloadInterval: " + duration() + "\n";
    if (one_of(2))
      text +=
          "cache: {imageCacheSize: " + pick({"5", "1024", ""}) + ", notFoundTTL: " + pick({"3s", "'1m'", "~"}) + "}\n";
    return text;
  }

 private:
  bool one_of(unsigned int n) { return random_() % n == 0; }
  std::string pick(std::initializer_list<const char*> texts) { return texts.begin()[random_() % texts.size()]; }

  std::string flag() { return pick({"true", "false", "'yes'", "\"no\"", "on"}); }
  std::string duration() { return pick({"15m", "1m30s", "'3m'", "\"7m\"", "${SEALOS_TTL:-4m}"}); }
  std::string address() { return pick({"http://hub:5000", "'h.example/a'", "\"h.example\"", "quay.io"}); }
  std::string auth() {
    return pick({"u:p", "'u:it''s # no'", "\"u:\\\"q\\\" \\u20ac\"", "{username: u, password: p}", "\"\"",
                 "{username: '${DOCKER_USERNAME}', password: ' lead: [x] '}", "'u:${SEALOS_PASSWORD}'", "'u:$${x}'"});
  }
  std::string entry_in_flow() {
    std::string text = "{address: " + pick({"a.example", "'b.example/p'", "docker.io"});
    if (one_of(2)) text += ", auth: " + auth();
    if (one_of(3)) text += ", priority: " + pick({"600", "'5'", "-1"});
    if (one_of(4)) text += ", match: ['*', \"*.gcr.io\", ghcr.io/org]";
    if (one_of(4)) text += ", rewrite: [{from: '^a\\.(.*)$', to: \"b/\\\\1\"}]";
    if (one_of(5)) text += ", tls: {ca: /etc/ca.pem, insecureSkipVerify: true}";
    if (one_of(6)) text += ", note: [~, {a: b, 'c: d': \"e\\tf\"}, \"# x\"]";
    return text + "}";
  }
  std::string registries_in_flow() {
    std::string text = "[";
    for (unsigned int left = random_() % 4; left > 0; --left) text += entry_in_flow() + ", ";
    return text + "]";
  }

  std::string between() {
    return pick({"\n", "# comment: here\n", "  # indented\n", "\n\n# debug: false\n\n", "#\n", "   \n"});
  }
  std::string tail() { return pick({"\n", "\n", "\n", " # note: 'x\n", "   \n", "\t# \"\n"}); }

  std::string key_as_written(const std::string& key) {
    if (one_of(8)) return '"' + key + "\":";
    if (one_of(8)) return '\'' + key + "' :";
    return key + ":";
  }

  std::string entry(const std::string& key) {
    const std::string begin = key_as_written(key);
    if (one_of(12) && key != "shim") return begin + tail();  // no value
    if (key == "shim") return begin + " /run/s.sock" + tail();
    if (key == "x-a")
      return begin + " " +
             pick({"|\n  debug: false\n # less\n", "\"a\n  # b\n  debug: c\"", "[1, {a: b}]", "plain\n  more text",
                   "{a: [\n  1 # '\n]}"}) +
             "\n";
    if (key == "probe") return begin + " {timeout: 3s}" + tail();
    if (key == "force" || key == "debug") return begin + " " + flag() + tail();
    if (key == "timeout" || key == "reloadInterval") return begin + scalar_somewhere(duration());
    if (key == "address") return begin + scalar_somewhere(address());
    if (key == "offlinePriority") return begin + " " + pick({"5", "'1000'", "0"}) + tail();
    if (key == "auth") return begin + auth_entry();
    if (key == "cache") return begin + cache_entry();
    return begin + registries_entry();
  }
  std::string scalar_somewhere(const std::string& scalar) {
    if (one_of(5)) return "\n  " + scalar + tail();
    if (one_of(8)) return " !!str " + scalar + tail();
    if (one_of(8)) return " # why\n\n  # how\n  " + scalar + tail();
    return "  " + scalar + tail();
  }
  std::string auth_entry() {
    if (one_of(3)) return tail() + "  username: u\n  # inner\n  password: 'p' # end\n";
    if (one_of(6)) return " >-\n    u:folded\n";
    return " " + auth() + tail();
  }
  std::string cache_entry() {
    if (one_of(4)) return " {imageCacheSize: 7, other: [a]}" + tail();
    std::string text = tail();
    const std::string indent = pick({"  ", " ", "    "});
    for (const char* key : {"imageCacheSize: 9", "disableStats: true", "notFoundTTL: '2s'", "mine: \"# x\""}) {
      if (one_of(2)) text += indent + key + tail();
      if (one_of(4)) text += indent + "# inner\n";
    }
    return text;
  }
  std::string registries_entry() {
    if (one_of(3)) return " " + registries_in_flow() + tail();
    std::string text = tail();
    const std::string indent = pick({"", "  ", "    "});
    for (unsigned int left = random_() % 4; left > 0; --left) {
      if (one_of(3)) {
        text += indent + "- " + entry_in_flow() + tail();
      } else {
        text += indent + "- address: c.example" + tail() + indent + "  priority: 3\n";
        if (one_of(3)) text += indent + "  auth: |-\n" + indent + "    u:b # p\n";
      }
      if (one_of(4)) text += indent + "# inner\n";
    }
    return text;
  }

  static std::string with_carriage_returns(const std::string& text) {
    std::string result;
    for (const char c : text) result += c == '\n' ? std::string("\r\n") : std::string(1, c);
    return result;
  }

  std::mt19937 random_;
};

std::string text_of(const std::vector<Piece>& pieces) {
  std::string text;
  for (const Piece& piece : pieces) text += piece.text;
  return text;
}

// What must be found again in an edited file: pieces side by side that are not replaced, and whether anything may stand
// in front of them.
struct Run {
  std::string text;
  bool is_behind_edit = false;
};

// Where keys are added: in front of the blank lines at the end.
void split_before_last_blanks(std::vector<Run>& runs) {
  std::string& text = runs.back().text;
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  const std::size_t line = last == text.npos ? 0 : text.find('\n', last);
  if (line == text.npos) return;
  std::string blanks = text.substr(last == text.npos ? 0 : line + 1);
  text.resize(text.size() - blanks.size());
  runs.push_back({std::move(blanks), true});
}

std::vector<Run> runs_of(const std::vector<Piece>& pieces, const Overlay& overlay) {
  std::vector<Run> runs = {Run{}};
  for (const Piece& piece : pieces) {
    if (piece.text.starts_with("...")) split_before_last_blanks(runs);
    const bool is_replaced = overlay.find(piece.key) != nullptr;
    if (is_replaced || piece.text.starts_with("...")) runs.push_back({"", true});
    if (!is_replaced) runs.back().text += piece.text;
  }
  split_before_last_blanks(runs);
  return runs;
}

bool holds_runs(std::string_view edited, std::span<const Run> runs) {
  if (runs.empty()) return true;
  const Run& run = runs.front();
  if (!run.is_behind_edit)
    return edited.starts_with(run.text) && holds_runs(edited.substr(run.text.size()), runs.subspan(1));
  for (std::size_t at = edited.find(run.text); at != edited.npos; at = edited.find(run.text, at + 1)) {
    if (holds_runs(edited.substr(at + run.text.size()), runs.subspan(1))) return true;
    if (run.text.empty()) return false;
  }
  return false;
}

std::string failure(const std::vector<Piece>& pieces, const std::string& overlay_text) {
  const Overlay overlay = testing::overlay_of(overlay_text);
  const std::string text = text_of(pieces);
  const ParseResult wanted = parse(text, "f", testing::overlay_environment(), &overlay);
  if (!wanted.config) return "";
  const Expected<std::string> edited = edit(text, overlay, testing::overlay_environment());
  if (!edited) return edited.error().message;
  const ParseResult got = parse(*edited, "f", testing::overlay_environment());
  if (!got.config || *got.config != *wanted.config) return "read back as something else:\n" + *edited;
  if (!holds_runs(*edited, runs_of(pieces, overlay))) return "something else has changed too:\n" + *edited;
  const Expected<std::string> again = edit(*edited, overlay, testing::overlay_environment());
  if (!again || *again != *edited) return "changed by a second edit:\n" + (again ? *again : again.error().message);
  return "";
}

// The smallest file and ConfigMap, by leaving out pieces and lines, that still fail.
std::pair<std::vector<Piece>, std::string> shrunk(std::vector<Piece> pieces, std::string overlay) {
  for (std::size_t i = 0; i < pieces.size();) {
    std::vector<Piece> fewer = pieces;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (failure(fewer, overlay).empty()) {
      ++i;
    } else {
      pieces = std::move(fewer);
    }
  }
  for (std::size_t line = 0; line < overlay.size();) {
    std::string fewer = overlay;
    fewer.erase(line, fewer.find('\n', line) + 1 - line);
    if (testing::parse_overlay(fewer).overlay && !failure(pieces, fewer).empty()) {
      overlay = fewer;
    } else {
      line = overlay.find('\n', line) + 1;
    }
  }
  return {pieces, overlay};
}

TEST(EditProperty, any_file_and_any_config_map) {
  int edited = 0;
  for (unsigned int seed = 1; seed <= 3000; ++seed) {
    Generator generator(seed);
    const std::vector<Piece> pieces = generator.file();
    const std::string overlay = generator.overlay();
    const std::string text = text_of(pieces);
    if (parse(text, "f", testing::overlay_environment()).config) ++edited;
    if (failure(pieces, overlay).empty()) continue;
    const auto [few, small] = shrunk(pieces, overlay);
    FAIL() << "seed " << seed << "\nfile:\n"
           << text_of(few) << "\n--\nConfigMap:\n"
           << small << "\n--\n"
           << failure(few, small);
  }
  EXPECT_GT(edited, 1500) << "the generator makes too many files that are not valid";
}

}  // namespace
}  // namespace shim::config
