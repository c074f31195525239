#include "config/inotify.h"

#include <fmt/format.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace shim::config {
namespace {

constexpr std::uint32_t kEvents = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE |
                                  IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kFolderIsGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;
constexpr int kMostLinks = 40;    // as the kernel's
constexpr int kMostAttempts = 5;  // at a path that changes while it is walked along

std::string reason(int error) {
  return std::generic_category().message(error);
}

std::string limit_hint(int error) {
  if (error == ENOSPC) return "; raise the sysctl fs.inotify.max_user_watches";
  if (error == EMFILE) return "; raise the sysctl fs.inotify.max_user_instances";
  return "";
}

void push_front(std::deque<std::string>& rest, std::string_view path) {
  std::vector<std::string> parts;
  for (const auto& part : std::filesystem::path(path)) parts.push_back(part.string());
  rest.insert(rest.begin(), parts.begin(), parts.end());
}

// Walks along a path one name at a time, as the kernel does, and watches the folders of the names that may change.
class Walk {
 public:
  Walk(int descriptor, const std::string& path) : descriptor_(descriptor) {
    std::error_code error;
    const std::filesystem::path absolute = std::filesystem::absolute(path, error);
    push_front(rest_, error ? path : absolute.string());
  }

  // Nothing where the path has changed meanwhile.
  std::optional<Expected<std::vector<Inotify::Place>>> run() {
    while (!rest_.empty()) {
      const std::string name = std::move(rest_.front());
      rest_.pop_front();
      if (name.empty() || name == "." || name == "/") continue;
      if (name == "..") {
        folder_ = folder_.parent_path();
        continue;
      }
      if (is_folder_on_the_way(name)) {
        folder_ = below(name);
        continue;
      }
      const int watch = ::inotify_add_watch(descriptor_, folder_.c_str(), kEvents);
      if (watch < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
      if (watch < 0) {
        const int error = errno;
        return fail(
            fmt::format("cannot watch {}: {}{}", printable(folder_.string()), reason(error), limit_hint(error)));
      }
      places_.push_back({watch, name});
      if (!follow(name)) break;
    }
    return std::move(places_);
  }

 private:
  std::filesystem::path below(const std::string& name) const { return folder_ / name; }

  bool is_folder_on_the_way(const std::string& name) const {
    struct stat found{};
    return !rest_.empty() && ::lstat(below(name).c_str(), &found) == 0 && S_ISDIR(found.st_mode);
  }

  // Looks once more, now that a change would be told. False where the path ends, or leads nowhere.
  bool follow(const std::string& name) {
    if (is_folder_on_the_way(name)) {
      folder_ = below(name);
      return true;
    }
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlink(below(name).c_str(), target.data(), target.size());
    if (size <= 0 || ++links_ > kMostLinks) return false;
    const std::string_view text(target.data(), static_cast<std::size_t>(size));
    if (text.starts_with('/')) folder_ = folder_.root_path();
    push_front(rest_, text);
    return true;
  }

  const int descriptor_;
  std::filesystem::path folder_{"/"};  // has no symbolic link in it
  std::deque<std::string> rest_;
  std::vector<Inotify::Place> places_;
  int links_ = 0;
};

void note(const inotify_event& event, const std::vector<Inotify::Place>& places, FileNews& news) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    news.has_changed = true;
    return;
  }
  const std::string_view name = event.len > 0 ? std::string_view(event.name) : std::string_view();
  for (const Inotify::Place& place : places) {
    if (place.watch != event.wd) continue;
    if ((event.mask & kFolderIsGone) != 0) news.has_changed = true;
    if (place.name != name) continue;
    news.has_changed = true;
    news.is_being_written = (event.mask & IN_MODIFY) != 0 || (news.is_being_written && (event.mask & IN_ATTRIB) != 0);
  }
}

}  // namespace

Expected<Inotify> Inotify::open() {
  const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor >= 0) return Inotify(descriptor);
  const int error = errno;
  return fail(fmt::format("inotify cannot be used: {}{}", reason(error), limit_hint(error)));
}

Inotify::Inotify(Inotify&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Inotify::~Inotify() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Expected<std::vector<Inotify::Place>> Inotify::watch(const std::string& path, const std::vector<Place>& former) const {
  std::optional<Expected<std::vector<Place>>> places;
  for (int i = 0; i < kMostAttempts && !places; ++i) places = Walk(descriptor_, path).run();
  if (!places) return fail(fmt::format("cannot watch {}: its folders change all the time", printable(path)));
  if (!*places) return *places;
  for (const Place& old : former) {
    if (std::ranges::find(**places, old.watch, &Place::watch) == (*places)->end()) {
      ::inotify_rm_watch(descriptor_, old.watch);  // fails where the folder is gone
    }
  }
  return *places;
}

FileNews read_news(int descriptor, const std::vector<Inotify::Place>& places, FileNews news) {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  for (;;) {
    const ssize_t size = ::read(descriptor, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return news;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      const auto& event = *reinterpret_cast<const inotify_event*>(buffer.data() + at);
      note(event, places, news);
      at += sizeof event + event.len;
    }
  }
}

}  // namespace shim::config
