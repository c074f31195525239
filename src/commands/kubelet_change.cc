#include "commands/kubelet_change.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "base/atomic_file.h"
#include "base/text.h"
#include "config/file_sync.h"

namespace shim::commands {
namespace {

constexpr std::size_t kMostBytes = 1024 * 1024;
constexpr mode_t kPermissions = 07777;

// The text that the file gets when the shim's socket is taken out of it.
Expected<KubeletChange> change_from(const KubeletFile& file, const std::string& socket) {
  KubeletChange change{
      .path = file.path, .before = file.text, .after = {}, .endpoint_before = file.endpoint, .endpoint_after = {}};
  const auto backup = read_file(backup_of(file.path), kMostBytes);
  if (backup) {
    const auto again = with_endpoint(file, *backup, file.endpoint);
    change.endpoint_after = endpoint_in(file, *backup);
    if (is_same_socket(change.endpoint_after, socket)) change.endpoint_after.clear();
    if (again && *again == file.text && endpoint_in(file, *backup) == change.endpoint_after) {
      change.after = *backup;
      return change;
    }
  }
  auto edited = with_endpoint(file, file.text, change.endpoint_after);
  if (!edited) return std::unexpected(edited.error());
  change.after = std::move(*edited);
  return change;
}

}  // namespace

Expected<KubeletChange> change_to(const KubeletNode& node, const std::string& endpoint, std::optional<int> minor) {
  const KubeletFile* file = file_to_edit(node, minor);
  if (file == nullptr) {
    return fail(
        fmt::format("no file of this node's kubelet takes an image endpoint: start it with "
                    "--image-service-endpoint={}",
                    endpoint));
  }
  auto edited = with_endpoint(*file, file->text, endpoint);
  if (!edited) return std::unexpected(edited.error());
  return KubeletChange{.path = file->path,
                       .before = file->text,
                       .after = std::move(*edited),
                       .endpoint_before = file->endpoint,
                       .endpoint_after = endpoint};
}

Expected<std::vector<KubeletChange>> changes_from(const KubeletNode& node, const std::string& socket) {
  if (is_same_socket(node.runtime_endpoint, socket)) {
    return fail(
        fmt::format("the kubelet's containerRuntimeEndpoint is {}, the shim's, which `enable` does not write: "
                    "set it to the runtime's socket by hand, and restart the kubelet",
                    printable(node.runtime_endpoint, 256)));
  }
  std::vector<KubeletChange> changes;
  for (const KubeletFile& file : node.files) {
    if (!is_same_socket(file.endpoint, socket)) continue;
    auto change = change_from(file, socket);
    if (!change) return std::unexpected(change.error());
    changes.push_back(std::move(*change));
  }
  return changes;
}

Expected<void> write_change(const KubeletChange& change, bool with_backup) {
  if (with_backup) {
    struct stat attributes{};
    const bool is_there = ::stat(change.path.c_str(), &attributes) == 0;
    auto kept =
        replace_file(backup_of(change.path), change.before, is_there ? attributes.st_mode & kPermissions : 0600);
    if (!kept) return kept;
  }
  using Kind = config::SyncResult::Kind;
  const config::SyncResult result = config::sync_file(change.path, change.before, change.after);
  if (result.kind == Kind::written) return {};
  if (result.kind == Kind::changed_meanwhile) {
    return fail(fmt::format("{} was changed by somebody else meanwhile: try again", change.path));
  }
  return fail(result.message);
}

KubeletChange undo_of(const KubeletChange& change) {
  return {.path = change.path,
          .before = change.after,
          .after = change.before,
          .endpoint_before = change.endpoint_after,
          .endpoint_after = change.endpoint_before};
}

}  // namespace shim::commands
