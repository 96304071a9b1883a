#include "tests/sim/sim_world.h"

#include <cerrno>

namespace dml::engine {

Result<std::optional<std::vector<ArtifactFile>>> SimDisk::List(const std::string& folder) const {
  std::vector<ArtifactFile> files;
  const std::string prefix = folder + "/";
  for (auto it = names_.lower_bound(prefix); it != names_.end() && it->first.starts_with(prefix);
       ++it) {
    files.push_back({it->first.substr(prefix.size()),
                     it->first,
                     static_cast<std::int64_t>(it->second.content->text.size()),
                     {}});
  }
  if (files.empty()) return std::optional<std::vector<ArtifactFile>>();
  return std::optional(std::move(files));
}

Result<Digest> SimDisk::Hash(const std::string& path) const {
  crash_.Tick();
  const auto it = names_.find(path);
  if (it == names_.end()) return Error::System("cannot open '" + path + "'", ENOENT);
  return Sha256::Of(it->second.content->text);
}

BlobState SimDisk::Look(const std::string& blob, std::int64_t size, const Digest&) const {
  const auto it = names_.find(blob);
  if (it == names_.end()) return BlobState::kGone;
  const bool whole = static_cast<std::int64_t>(it->second.content->text.size()) == size;
  return whole ? BlobState::kWhole : BlobState::kDamaged;
}

Result<void> SimDisk::Change(const std::string& action, const std::string& path) {
  crash_.Tick();
  if (full_) return Error::System("cannot " + action + " '" + path + "'", ENOSPC);
  return {};
}

Result<void> SimDisk::Sync(const std::string& path) {
  DML_RETURN_IF_ERROR(Change("sync", path));
  names_.at(path).content->synced = true;
  return {};
}

Result<void> SimDisk::Adopt(const std::string& path, const std::string& blob) {
  DML_RETURN_IF_ERROR(Change("link", path));
  names_[blob] = {names_.at(path).content, false};
  return {};
}

Result<void> SimDisk::SyncFolder(const std::string& path) {
  DML_RETURN_IF_ERROR(Change("sync", path));
  const std::string prefix = path + "/";
  for (auto it = names_.lower_bound(prefix); it != names_.end() && it->first.starts_with(prefix);
       ++it) {
    it->second.synced = true;
  }
  return {};
}

void SimDisk::Write(const std::string& path, const std::string& text) {
  names_[path] = {std::make_shared<Content>(Content{text, false}), false};
}

void SimDisk::RemoveFolder(const std::string& folder) {
  const std::string prefix = folder + "/";
  std::erase_if(names_, [&](const auto& name) { return name.first.starts_with(prefix); });
}

void SimDisk::LosePower(const std::function<std::uint64_t(std::uint64_t)>& draw) {
  std::erase_if(names_, [&](const auto& name) { return !name.second.synced && draw(2) == 0; });
  for (auto& [path, name] : names_) {
    Content& content = *name.content;
    if (content.synced) continue;
    content.text.resize(draw(content.text.size() + 1));
    content.synced = true;  // what is there now stays
  }
}

std::vector<std::string> SimDisk::Blobs() const {
  std::vector<std::string> paths;
  for (const auto& [path, name] : names_) {
    if (path.find("/store/blobs/") != std::string::npos) paths.push_back(path);
  }
  return paths;
}

}  // namespace dml::engine
