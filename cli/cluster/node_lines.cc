#include "cli/cluster/node_lines.h"

#include <algorithm>

#include "cli/display/output.h"

namespace dml::cli {

void NodeLines::Take(const std::string& name, std::string& text, bool rest) {
  const std::lock_guard lock(mutex_);
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = text.find('\n', at);
    if (end == std::string::npos && !rest && text.size() - at < kLineBytesMax) break;
    end = std::min(end, text.size());
    print_((names_ ? name + ": " : "") + Harmless(text.substr(at, end - at)) + "\n");
    at = std::min(end + 1, text.size());
  }
  text.erase(0, at);
}

}  // namespace dml::cli
