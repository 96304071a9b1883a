#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/file_descriptor.h"
#include "base/result.h"

namespace dml::ssh {

// A file that arrives piece after piece from its beginning, and is not read before it is whole. A
// large one goes past the page cache: nobody may want it here, the store waits for the disk in any
// case, and finding pages for it costs as much processor time as decrypting it. Where the file
// system cannot do that, it is written as any other. Not thread-safe.
class FetchedFile {
 public:
  static constexpr std::int64_t kLargeBytes = 8 << 20;
  static constexpr std::size_t kBlockBytes = 1U << 20;

  // Makes it empty. `size`: what it will have.
  static Result<FetchedFile> Create(const std::string& path, std::int64_t size);

  Result<void> Append(std::string_view bytes);
  // Everything is in the file, though not yet durable. Nothing may be appended afterwards.
  Result<void> Close();

 private:
  struct Free {
    void operator()(char* block) const;
  };

  FetchedFile(FileDescriptor file, bool direct) : file_(std::move(file)), direct_(direct) {}
  void StopBeingDirect();
  Result<void> WriteOut(std::string_view bytes);

  FileDescriptor file_;
  bool direct_;
  std::unique_ptr<char, Free> block_;  // while direct: what waits for being a whole block
  std::size_t filled_ = 0;
};

}  // namespace dml::ssh
