// What `dml cluster logs` prints of the bytes that nodes send: any bytes, cut anyhow. Each line
// comes out whole, behind the name of its node, and moves no terminal.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cli/cluster/node_lines.h"
#include "cli/display/output.h"

namespace {

void Require(bool right) {
  if (!right) std::abort();
}

std::string PrintedIn(std::string_view said, std::size_t piece) {
  std::string printed;
  dml::cli::NodeLines lines(true, [&](const std::string& line) {
    Require(line.starts_with("n1: ") && line.ends_with('\n'));
    Require(std::ranges::count(line, '\n') == 1);
    Require(std::ranges::none_of(
        line, [](char c) { return c == 127 || (c >= 0 && c < ' ' && c != '\n' && c != '\t'); }));
    printed += line;
  });
  std::string text;
  for (; !said.empty(); said.remove_prefix(std::min(piece, said.size()))) {
    text += said.substr(0, piece);
    lines.Take("n1", text, /*rest=*/false);
    Require(text.find('\n') == std::string::npos);
    Require(text.size() < dml::cli::NodeLines::kLineBytesMax);
  }
  lines.Take("n1", text, /*rest=*/true);
  Require(text.empty());
  return printed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // The first byte says into how large pieces it is cut.
  const std::string_view said(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string printed = PrintedIn(said, std::size_t{*data} + 1);
  if (said.size() < dml::cli::NodeLines::kLineBytesMax) {
    Require(printed == PrintedIn(said, said.size()));
  }
  return 0;
}
