#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "plugins/table/csv/unpack.h"

namespace dml::table {

// How a file of this name is packed: .gz, .zst, or not at all.
[[nodiscard]] Packing PackingForName(std::string_view path);

// Packs a stream of bytes. Equal input in equal blocks gives equal output: neither the time nor a
// name is in it. Not thread-safe.
class Packer {
 public:
  explicit Packer(Packing packing);
  ~Packer();

  // Appends to `out` what is ready after `text`; with `last` all that is left.
  void Add(std::string_view text, bool last, std::string& out);

 private:
  struct Gzip;
  struct Zstd;
  std::unique_ptr<Gzip> gzip_;
  std::unique_ptr<Zstd> zstd_;
};

}  // namespace dml::table
