#include "runners/node/attempt_paths.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/files.h"
#include "runners/agent/input_guard.h"

namespace dml::node {

namespace fs = std::filesystem;

namespace {

using Renames = std::map<std::string, std::string>;

bool StaysInside(const fs::path& relative) {
  return !relative.empty() && !relative.is_absolute() &&
         std::ranges::none_of(relative, [](const fs::path& part) { return part == ".."; });
}

Result<void> Link(const std::string& target, const fs::path& link) {
  std::error_code error;
  fs::create_directories(link.parent_path(), error);
  if (!error) fs::create_symlink(target, link, error);
  if (error && error != std::errc::file_exists) {
    return Error::System("cannot link '" + link.string() + "'", error.value());
  }
  return {};
}

void RenameStrings(Json& json, const Renames& renames) {
  if (json.is_string()) {
    const auto found = renames.find(json.get_ref<const std::string&>());
    if (found != renames.end()) json = found->second;
  } else if (json.is_structured()) {
    for (Json& item : json) RenameStrings(item, renames);
  }
}

std::string HeldFolder(const AttemptPaths& paths) { return paths.folder + "/held"; }

// Where the attempt reads it: by its own name of it, which is there for as long as the attempt,
// whatever becomes of the cache. Where links do not work, in the cache.
std::string PathFor(const AttemptPaths& paths, const BlobCache& blobs, const Digest& digest) {
  std::string held = HeldFolder(paths) + "/" + digest.Hex();
  return ::access(held.c_str(), F_OK) == 0 ? held : blobs.Find(digest);
}

// Holds what there is of the inputs; what there is not is returned.
Result<std::vector<Digest>> HoldInputs(const AttemptPaths& paths, const BlobCache& blobs,
                                       const runners::LaunchSpec& spec) {
  std::set<Digest> digests;
  for (const Artifact& input : spec.inputs) {
    for (const ArtifactFile& file : input.files) digests.insert(file.digest);
  }
  for (const runners::FileSet& set : spec.files) {
    for (const ArtifactFile& file : set.files) digests.insert(file.digest);
  }
  std::vector<Digest> absent;
  if (digests.empty()) return absent;
  const std::string folder = HeldFolder(paths);
  DML_RETURN_IF_ERROR(MakeDirectories(folder));
  for (const Digest& digest : digests) {
    if (!blobs.Hold(digest, folder)) absent.push_back(digest);
  }
  return absent;
}

Result<void> LinkFiles(const AttemptPaths& paths, const BlobCache& blobs,
                       std::vector<runners::FileSet>& sets, Renames& renames) {
  const std::string below = paths.folder + "/files";
  for (runners::FileSet& set : sets) {
    renames.emplace(set.pattern, below + set.pattern);
    for (ArtifactFile& file : set.files) {
      const fs::path relative = fs::path(file.path).relative_path();
      if (!StaysInside(relative) || !StaysInside(fs::path(file.name))) {
        return Error::Environment("the file '" + file.path + "' is not named plainly");
      }
      file.path = PathFor(paths, blobs, file.digest);
      DML_RETURN_IF_ERROR(Link(file.path, below / relative));
    }
  }
  return {};
}

}  // namespace

void AttemptPaths::Remove() const {
  std::error_code ignored;
  ::unlink(record.c_str());
  ::unlink(log.c_str());
  fs::remove_all(folder, ignored);
}

void AttemptPaths::RemoveCheckpoint() const {
  std::error_code ignored;
  if (!checkpoint.empty()) fs::remove_all(checkpoint, ignored);
}

std::string CheckpointPath(const std::string& root, const std::string& client,
                           const std::string& theirs) {
  if (theirs.empty()) return {};
  return fmt::format("{}/checkpoints/{}.{}", root, client, Sha256::Of(theirs).Hex());
}

std::string AttemptName(const std::string& client, const runners::AttemptKey& key) {
  return fmt::format("{}.{}.{}.{}", client, key.run.value, key.task.value, key.attempt.value);
}

Result<std::vector<Digest>> PlaceAttempt(const AttemptPaths& paths, const BlobCache& blobs,
                                         runners::LaunchSpec& spec) {
  DML_TRY(std::vector<Digest> absent, HoldInputs(paths, blobs, spec));
  if (!absent.empty()) return absent;
  spec.attempt_dir = paths.folder;
  spec.checkpoint_dir = paths.checkpoint;
  spec.log_path = paths.log;
  spec.record_path = paths.record;
  for (Artifact& input : spec.inputs) {
    for (ArtifactFile& file : input.files) file.path = PathFor(paths, blobs, file.digest);
  }
  Renames renames;
  DML_RETURN_IF_ERROR(LinkFiles(paths, blobs, spec.files, renames));
  if (auto* command = std::get_if<runners::Command>(&spec.work)) {
    command->work_dir = paths.folder + "/work";
    command->own_folder = true;
    for (std::string& argument : command->argv) {
      if (const auto found = renames.find(argument); found != renames.end()) {
        argument = found->second;
      }
    }
    return absent;
  }
  spec.files.clear();  // steps find them by their parameters
  for (auto& step : std::get<std::vector<runners::NativeStep>>(spec.work)) {
    RenameStrings(step.params, renames);
  }
  return absent;
}

void DropDamaged(const AttemptPaths& paths, const BlobCache& blobs) {
  std::error_code error;
  fs::directory_iterator it(paths.folder + "/" + agent::kDamagedFolder, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const auto digest = Digest::FromHex(it->path().filename().string());
    if (digest.ok()) ::unlink(blobs.Find(*digest).c_str());
  }
}

}  // namespace dml::node
