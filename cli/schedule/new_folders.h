#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace dml::cli {

// The folders that would have to be made for `path` to be one, the innermost first.
[[nodiscard]] std::vector<std::string> MissingFolders(const std::string& path);

// Removes those that are empty, in this order.
void RemoveEmptyFolders(const std::vector<std::string>& folders);

// Makes a folder, and unmakes what it had to make for it, unless told to keep it. Move-only.
class NewFolder {
 public:
  static Result<NewFolder> Make(const std::string& path);
  NewFolder(NewFolder&& other) noexcept : made_(std::exchange(other.made_, {})) {}
  NewFolder& operator=(NewFolder&&) = delete;
  ~NewFolder() { RemoveEmptyFolders(made_); }
  void Keep() { made_.clear(); }

 private:
  explicit NewFolder(std::vector<std::string> made) : made_(std::move(made)) {}
  std::vector<std::string> made_;
};

}  // namespace dml::cli
