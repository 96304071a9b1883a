#include "runners/ssh/downloads.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/files.h"

namespace dml::ssh {

namespace fs = std::filesystem;

namespace {

Result<void> MakeParent(const std::string& path) {
  return MakeDirectories(fs::path(path).parent_path().string());
}

// The first target takes the file, the others get copies.
Result<void> Name(const std::string& temporary, const std::vector<std::string>& targets) {
  for (std::size_t i = targets.size(); i-- > 0;) {
    DML_RETURN_IF_ERROR(MakeParent(targets[i]));
    std::error_code error;
    if (i == 0) {
      fs::rename(temporary, targets[i], error);
    } else {
      fs::copy_file(temporary, targets[i], fs::copy_options::overwrite_existing, error);
    }
    if (error) return Error::System("cannot write '" + targets[i] + "'", error.value());
  }
  return {};
}

}  // namespace

Downloads::~Downloads() {
  for (const auto& [digest, coming] : coming_) ::unlink(coming.temporary.c_str());
}

std::vector<node::BlobRange> Downloads::Request(const Digest& digest, std::int64_t size,
                                                const std::string& temporary,
                                                const std::string& target) {
  if (const auto found = coming_.find(digest); found != coming_.end()) {
    found->second.targets.push_back(target);
    return {};
  }
  Coming coming;
  coming.temporary = temporary;
  coming.targets.push_back(target);
  coming.size = size;
  auto made = MakeParent(temporary);
  if (made.ok()) {
    auto file = FetchedFile::Create(temporary, size);
    if (file.ok()) {
      coming.file.emplace(std::move(file).value());
    } else {
      made = file.error();
    }
  }
  coming_.emplace(digest, std::move(coming));
  if (!made.ok() || size == 0) {
    Finish(digest, std::move(made));
    return {};
  }
  return {{digest, size, 0}};
}

Result<std::optional<node::BlobRange>> Downloads::Arrived(const node::Chunk& chunk) {
  const auto found = coming_.find(chunk.digest);
  const std::optional<node::BlobRange> nothing;
  if (found == coming_.end()) {
    if (chunk.intact) return nothing;  // cancelled
    return Error::Environment("a damaged piece of a blob that nobody waits for");
  }
  Coming& coming = found->second;
  if (!chunk.intact) return Repeat(chunk.digest, coming);
  const auto bytes = static_cast<std::int64_t>(chunk.bytes.size());
  const bool known = chunk.offset < coming.offset;
  if (known || (coming.awaited && chunk.offset > coming.offset)) return nothing;
  if (chunk.offset != coming.offset || bytes > coming.size - chunk.offset) {
    Finish(chunk.digest, Error::Environment("a piece of an output is out of order"));
    return nothing;
  }
  if (auto written = coming.file->Append(chunk.bytes); !written.ok()) {
    Finish(chunk.digest, std::move(written));
    return nothing;
  }
  coming.awaited = false;
  coming.damaged = 0;
  bytes_received_ += bytes;
  coming.hash.Update(chunk.bytes);
  coming.offset += bytes;
  if (coming.offset == coming.size) Finish(chunk.digest, {});
  return nothing;
}

std::optional<node::BlobRange> Downloads::Repeat(const Digest& digest, Coming& coming) {
  ++damaged_;
  coming.awaited = true;
  if (++coming.damaged <= node::kDamagedMax) {
    return node::BlobRange{digest, coming.size, coming.offset};
  }
  Finish(digest, Error::Environment("an output arrives damaged again and again",
                                    "check the memory of this machine and of the node"));
  return std::nullopt;
}

void Downloads::Failed(const node::BlobOutcome& outcome) {
  if (coming_.contains(outcome.digest)) Finish(outcome.digest, outcome.error);
}

std::vector<node::BlobRange> Downloads::Pending() const {
  std::vector<node::BlobRange> ranges;
  for (const auto& [digest, coming] : coming_) {
    ranges.push_back({digest, coming.size, coming.offset});
  }
  return ranges;
}

std::vector<Digest> Downloads::Cancel(const std::string& target) {
  std::vector<Digest> unwanted;
  for (auto it = coming_.begin(); it != coming_.end();) {
    Coming& coming = it->second;
    std::erase(coming.targets, target);
    if (coming.targets.empty()) {
      ::unlink(coming.temporary.c_str());
      unwanted.push_back(it->first);
      it = coming_.erase(it);
    } else {
      ++it;
    }
  }
  return unwanted;
}

void Downloads::Finish(const Digest& digest, Result<void> result) {
  const auto found = coming_.find(digest);
  Coming coming = std::move(found->second);
  coming_.erase(found);
  if (result.ok()) result = coming.file->Close();
  if (result.ok() && coming.hash.Finish() != digest) {
    result = Error::Environment("an output arrived damaged", "check the memory and disks there");
  }
  if (result.ok()) result = Name(coming.temporary, coming.targets);
  if (!result.ok()) ::unlink(coming.temporary.c_str());
  for (std::string& target : coming.targets) done_.push_back({std::move(target), result});
}

}  // namespace dml::ssh
