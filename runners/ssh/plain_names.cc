#include "runners/ssh/plain_names.h"

#include <filesystem>
#include <map>
#include <string>
#include <utility>

namespace dml::ssh {

namespace {

using Renames = std::map<std::string, std::string>;

std::string Plain(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().string();
}

void Rename(Json& json, const Renames& renames) {
  if (json.is_string()) {
    const auto found = renames.find(json.get_ref<const std::string&>());
    if (found != renames.end()) json = found->second;
  } else if (json.is_structured()) {
    for (Json& item : json) Rename(item, renames);
  }
}

}  // namespace

Result<void> UsePlainNames(runners::LaunchSpec& spec) {
  Renames renames;
  std::map<std::string, std::pair<std::string, Digest>> taken;  // by plain path: as it was, content
  for (runners::FileSet& set : spec.files) {
    if (set.in_place) continue;  // named by their node
    std::string plain_pattern = Plain(set.pattern);
    if (plain_pattern != set.pattern) renames.emplace(set.pattern, plain_pattern);
    for (ArtifactFile& file : set.files) {
      const std::string plain = Plain(file.path);
      const auto [other, fresh] = taken.try_emplace(plain, file.path, file.digest);
      const bool same_path = other->second.first == file.path;
      // One file that two patterns name is fine; a pattern that finds it twice would not do so
      // there.
      const bool twice =
          !fresh && !same_path && plain_pattern.find_first_of("*?[") != std::string::npos;
      if (twice || other->second.second != file.digest) {
        return Error::Invalid("'" + other->second.first + "' and '" + file.path +
                                  "' would have the same name on a node",
                              "write the paths without '..'");
      }
      file.path = plain;
      file.name = Plain(file.name);
    }
    set.pattern = std::move(plain_pattern);
  }
  if (renames.empty()) return {};
  if (auto* command = std::get_if<runners::Command>(&spec.work)) {
    for (std::string& argument : command->argv) {
      if (const auto found = renames.find(argument); found != renames.end()) {
        argument = found->second;
      }
    }
    return {};
  }
  for (auto& step : std::get<std::vector<runners::NativeStep>>(spec.work)) {
    Rename(step.params, renames);
  }
  return {};
}

}  // namespace dml::ssh
