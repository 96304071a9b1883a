#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runners/api/remote_files.h"

namespace dml::engine {

// The files of nodes that a run has looked at: one look at a pattern per run, so that a run sees
// one version of it.
class NodeFiles {
 public:
  using Found = Result<std::vector<runners::RemoteFile>>;

  // Null: somebody has to look first.
  [[nodiscard]] const Found* Find(const std::string& node, const std::string& pattern) const {
    const auto found = looked_.find({node, pattern});
    return found == looked_.end() ? nullptr : &found->second;
  }
  void Learn(const runners::FilesLooked& looked) {
    looked_.insert_or_assign({looked.node, looked.pattern}, looked.files);
  }
  // They may be others by now.
  void Forget(const std::string& node, const std::string& pattern) {
    looked_.erase({node, pattern});
  }

 private:
  std::map<std::pair<std::string, std::string>, Found> looked_;
};

}  // namespace dml::engine
