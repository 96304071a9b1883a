#include "runners/node/drain.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "base/files.h"
#include "runners/node/territory.h"
#include "runners/node/wire.h"

namespace dml::node {

namespace {

std::string PathIn(const std::string& root) { return root + "/drained"; }

}  // namespace

std::string DrainReason(const std::string& root) {
  if (::access(PathIn(root).c_str(), F_OK) != 0) return "";
  const auto text = ReadFileUpTo(PathIn(root), kDrainReasonMax);
  return text.ok() && !text->empty() ? *text : "drained";
}

Result<void> Drain(const std::string& root, const std::string& reason) {
  DML_RETURN_IF_ERROR(Claim(root));
  std::size_t size = std::min(reason.size(), kDrainReasonMax);
  // Not in the middle of a character.
  while (size > 0 && size < reason.size() &&
         (static_cast<unsigned char>(reason[size]) & 0xC0U) == 0x80U)
    --size;
  std::string line = reason.substr(0, size);
  for (char& c : line) c = c == '\n' || c == '\r' ? ' ' : c;
  return WriteFileAtomic(PathIn(root), line.empty() ? "drained" : line);
}

Result<void> Undrain(const std::string& root) {
  if (::unlink(PathIn(root).c_str()) == 0 || errno == ENOENT) return {};
  return Error::System("cannot remove '" + PathIn(root) + "'", errno);
}

}  // namespace dml::node
