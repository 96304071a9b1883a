#include "bench/peers.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace dml {

std::string PeerPython() {
  const char* python = std::getenv("PEER_PYTHON");
  return python != nullptr ? python : "python3";
}

std::vector<std::string> LinesOfPeer(const std::string& command) {
  std::vector<std::string> lines;
  FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return lines;
  std::array<char, 256> line{};
  while (std::fgets(line.data(), static_cast<int>(std::ssize(line)), pipe) != nullptr) {
    std::string text = line.data();
    if (text.ends_with('\n')) text.pop_back();
    lines.push_back(std::move(text));
  }
  ::pclose(pipe);
  return lines;
}

}  // namespace dml
