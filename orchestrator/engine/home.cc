#include "orchestrator/engine/home.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"

namespace dml::engine {

namespace fs = std::filesystem;

Home Home::Locate(const std::string& given, const std::string& start) {
  if (!given.empty()) return Home(fs::absolute(given).lexically_normal().string());
  for (fs::path folder = fs::absolute(start);; folder = folder.parent_path()) {
    std::error_code ignored;
    if (fs::is_directory(folder / ".dml", ignored)) return Home((folder / ".dml").string());
    if (folder == folder.parent_path()) break;
  }
  return Home((fs::absolute(start) / ".dml").string());
}

Result<void> Home::Prepare() const {
  for (const std::string& folder : {path_ + "/store/blobs", path_ + "/runs"}) {
    if (auto made = MakeDirectories(folder); !made.ok()) {
      Error error = std::move(made).error();
      error.hint = "choose another folder with --home or DML_HOME";
      return error;
    }
  }
  if (::access(path_.c_str(), W_OK) != 0) {
    return Error::Environment(fmt::format("the folder '{}' is not writable", path_),
                              "choose another folder with --home or DML_HOME");
  }
  return {};
}

std::string Home::run_dir(RunId run) const { return fmt::format("{}/runs/r{}", path_, run.value); }

std::string Home::attempt_dir(const runners::AttemptKey& key) const {
  return fmt::format("{}/{}/{}", run_dir(key.run), key.task.index(), key.attempt.value);
}

std::string Home::log_path(const runners::AttemptKey& key) const {
  return fmt::format("{}/logs/{}.{}.log", run_dir(key.run), key.task.index(), key.attempt.value);
}

std::string Home::blob_path(const Digest& digest) const {
  const std::string hex = digest.Hex();
  return fmt::format("{}/store/blobs/{}/{}", path_, hex.substr(0, 2), hex);
}

}  // namespace dml::engine
