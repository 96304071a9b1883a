#include "runners/node/attempt_paths.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>

#include "base/files.h"
#include "runners/agent/command_files.h"
#include "runners/agent/input_guard.h"
#include "runners/node/territory.h"

namespace dml::node {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kLogEnd = ".log";

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
    if (set.in_place) continue;
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

// Where the head meant a command to start, below its own folder of the attempt.
std::string WorkFolderOf(const runners::LaunchSpec& spec, const runners::Command& command) {
  const std::string whole = spec.attempt_dir + "/";
  std::string below = command.work_dir.starts_with(whole) ? command.work_dir.substr(whole.size())
                                                          : std::string(agent::kWorkFolder);
  const fs::path path = below;
  const bool plain = StaysInside(path) && *path.begin() == agent::kWorkFolder;
  return plain ? below : std::string(agent::kWorkFolder);
}

Result<void> LinkFiles(const AttemptPaths& paths, const BlobCache& blobs,
                       std::vector<runners::FileSet>& sets, Renames& renames) {
  const std::string below = paths.folder + "/files";
  for (runners::FileSet& set : sets) {
    if (set.in_place) continue;
    renames.emplace(set.pattern, below + set.pattern);
    for (ArtifactFile& file : set.files) {
      const fs::path relative = fs::path(file.path).relative_path();
      if (!StaysInside(relative)) {
        return Error::Environment("the file '" + file.path + "' is not named plainly");
      }
      file.path = PathFor(paths, blobs, file.digest);
      DML_RETURN_IF_ERROR(Link(file.path, below / relative));
    }
  }
  return {};
}

// Where a step finds the files of the node that a pattern named: the one file itself, or a pattern
// of links to them, and to no other that has come since.
Result<std::string> PlaceInPlace(const std::string& folder, const runners::FileSet& set) {
  if (set.files.size() == 1) return set.files.front().path;
  for (std::size_t i = 0; i < set.files.size(); ++i) {
    const std::string& path = set.files[i].path;
    const std::string name = fmt::format("{:06}-{}", i, fs::path(path).filename().string());
    DML_RETURN_IF_ERROR(Link(path, fs::path(folder) / name));
  }
  return folder + "/*";
}

Result<void> PlaceAllInPlace(const AttemptPaths& paths, const std::vector<runners::FileSet>& sets,
                             std::vector<runners::NativeStep>& steps) {
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const auto& place = sets[i].in_place;
    if (!place) continue;
    const bool fine = place->step < steps.size() && !sets[i].files.empty() &&
                      place->stamps.size() == sets[i].files.size();
    if (!fine) return Error::Environment("a malformed message: the files of a node");
    DML_TRY(const std::string text,
            PlaceInPlace(fmt::format("{}/looked/{}", paths.folder, i), sets[i]));
    try {
      steps[place->step].params.at(Json::json_pointer(place->param)) = text;
    } catch (const Json::exception&) {
      return Error::Environment("a malformed message: the parameter of a file");
    }
  }
  return {};
}

// A task may have made folders that not even their owner may change.
void RemoveFolder(const std::string& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) return;
  std::vector<fs::path> folders{folder};
  while (!folders.empty()) {
    const fs::path one = std::move(folders.back());
    folders.pop_back();
    fs::permissions(one, fs::perms::owner_all, fs::perm_options::add, error);
    for (fs::directory_iterator it(one, error); !error && it != fs::directory_iterator();
         it.increment(error)) {
      if (it->is_directory(error) && !it->is_symlink(error)) folders.push_back(it->path());
    }
  }
  fs::remove_all(folder, error);
}

}  // namespace

void AttemptPaths::Remove() const {
  ::unlink(log.c_str());
  RemoveFolder(folder);
}

void RemoveUnrecorded(const std::string& root, const std::set<std::string>& recorded) {
  const auto names = [](const std::string& folder) {
    std::vector<std::string> found;
    std::error_code error;
    for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator();
         it.increment(error)) {
      found.push_back(it->path().filename().string());
    }
    return found;
  };
  for (const std::string& name : names(root + "/attempts")) {
    const bool plain = IsAttemptName(name) && std::ranges::count(name, '.') == 3;
    if (plain && !recorded.contains(name)) RemoveFolder(AttemptPaths(root, name).folder);
  }
  for (const std::string& name : names(root + "/logs")) {
    if (!IsAttemptName(name) || !name.ends_with(kLogEnd)) continue;
    const std::string attempt = name.substr(0, name.size() - kLogEnd.size());
    if (!recorded.contains(attempt)) ::unlink(AttemptPaths(root, attempt).log.c_str());
  }
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
  auto* const command = std::get_if<runners::Command>(&spec.work);
  if (command != nullptr) command->work_dir = paths.folder + "/" + WorkFolderOf(spec, *command);
  spec.attempt_dir = paths.folder;
  spec.checkpoint_dir = paths.checkpoint;
  spec.log_path = paths.log;
  for (Artifact& input : spec.inputs) {
    for (ArtifactFile& file : input.files) file.path = PathFor(paths, blobs, file.digest);
  }
  Renames renames;
  DML_RETURN_IF_ERROR(LinkFiles(paths, blobs, spec.files, renames));
  if (command != nullptr) {
    command->own_folder = true;
    for (std::string& argument : command->argv) {
      if (const auto found = renames.find(argument); found != renames.end()) {
        argument = found->second;
      }
    }
    return absent;
  }
  auto& steps = std::get<std::vector<runners::NativeStep>>(spec.work);
  for (runners::NativeStep& step : steps) RenameStrings(step.params, renames);
  DML_RETURN_IF_ERROR(PlaceAllInPlace(paths, spec.files, steps));
  // Steps find them by their parameters; those in place are watched.
  std::erase_if(spec.files, [](const runners::FileSet& set) { return !set.in_place; });
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
