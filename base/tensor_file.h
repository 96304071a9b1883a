#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace dml {

// Element types of the safetensors container. Never renumber: the names are on disk.
enum class TensorType { kF64, kF32, kI64, kI32, kU32, kU8 };

[[nodiscard]] std::size_t TensorTypeSize(TensorType type);

// A named array in a tensor file, little-endian, row-major. `data` points into the mapping.
struct TensorView {
  std::string name;
  TensorType type = TensorType::kU8;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;

  // The elements as T; a type that does not match the stored one is a bug of the caller.
  template <typename T>
  [[nodiscard]] std::span<const T> As() const {
    DML_CHECK(sizeof(T) == TensorTypeSize(type), "the element size matches the tensor's type");
    return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
  }
};

// A safetensors file, memory-mapped read-only. Format: 8-byte little-endian header size, JSON
// header, raw buffers. dml aligns every buffer to 64 bytes with tensors named "__pad_N" (type U8),
// because the format allows no holes, and keeps its own header as JSON text under
// __metadata__["dml"]. Anything malformed, overlapping or out of bounds is an error, never a crash.
// Immutable and thread-safe; views stay valid as long as the file object lives.
class TensorFile {
 public:
  static Result<std::shared_ptr<const TensorFile>> Open(const std::string& path);
  // The same over bytes in memory, which must outlive the object. For fuzzing and for messages.
  static Result<std::shared_ptr<const TensorFile>> Parse(std::span<const std::byte> bytes,
                                                         const std::string& name);
  ~TensorFile();
  TensorFile(const TensorFile&) = delete;
  TensorFile& operator=(const TensorFile&) = delete;

  [[nodiscard]] const Json& metadata() const { return metadata_; }
  [[nodiscard]] const std::vector<TensorView>& tensors() const { return tensors_; }
  [[nodiscard]] const TensorView* Find(std::string_view name) const;
  // Find, or an error that names the file and the tensor; also checks the type.
  [[nodiscard]] Result<const TensorView*> Get(std::string_view name, TensorType type) const;

 private:
  TensorFile() = default;

  std::string path_;
  std::span<const std::byte> mapping_;
  bool owns_mapping_ = false;
  Json metadata_;
  std::vector<TensorView> tensors_;  // without the padding
};

// A tensor to write: the bytes are borrowed until Write returns.
struct TensorBuffer {
  std::string name;
  TensorType type = TensorType::kU8;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;
};

// Writes `path` in one go (not atomically: attempt folders are private; the commit renames).
// Equal arguments give equal bytes.
Result<void> WriteTensorFile(const std::string& path, const Json& metadata,
                             std::span<const TensorBuffer> tensors);

}  // namespace dml
