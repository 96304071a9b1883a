#include "base/tensor_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/disk_space.h"

namespace dml {

static_assert(std::endian::native == std::endian::little, "tensor files are little-endian");

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kLengthBytes = 8;
// The limit of the safetensors format: a longer header is a corrupt length.
constexpr std::uint64_t kHeaderBytesMax = 100'000'000;
constexpr std::string_view kPaddingPrefix = "__pad_";

struct TypeName {
  TensorType type;
  std::string_view name;
  std::size_t size;
};
constexpr std::array<TypeName, 6> kTypes{{{TensorType::kF64, "F64", 8},
                                          {TensorType::kF32, "F32", 4},
                                          {TensorType::kI64, "I64", 8},
                                          {TensorType::kI32, "I32", 4},
                                          {TensorType::kU32, "U32", 4},
                                          {TensorType::kU8, "U8", 1}}};

const TypeName& NameOf(TensorType type) {
  const auto found = std::ranges::find(kTypes, type, &TypeName::type);
  DML_CHECK(found != kTypes.end(), "a tensor type has a name");
  return *found;
}

std::size_t PaddingTo(std::size_t offset) {
  return (kAlignment - offset % kAlignment) % kAlignment;
}

Error Malformed(const std::string& path, const std::string& why) {
  return Error::Invalid(fmt::format("'{}' is not a tensor file: {}", path, why),
                        "the file is damaged or was written by another program");
}

// Elements of a shape, unless it is malformed or overflows.
std::optional<std::uint64_t> ElementCount(const Json& shape, std::vector<std::int64_t>& dims) {
  if (!shape.is_array()) return std::nullopt;
  std::uint64_t count = 1;
  for (const Json& item : shape) {
    if (!item.is_number_unsigned() || item.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
    const auto dim = item.get<std::uint64_t>();
    if (__builtin_mul_overflow(count, dim, &count)) return std::nullopt;
    dims.push_back(static_cast<std::int64_t>(dim));
  }
  return count;
}

// One entry of the header as a view into `buffers`, or why it is wrong.
Result<TensorView> ParseTensor(const std::string& path, const std::string& name, const Json& entry,
                               std::span<const std::byte> buffers) {
  const auto bad = [&](std::string_view why) {
    return Malformed(path, fmt::format("tensor '{}' {}", name, why));
  };
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets")) {
    return bad("lacks dtype, shape or data_offsets");
  }
  const Json& dtype = entry["dtype"];
  const auto type =
      dtype.is_string()
          ? std::ranges::find(kTypes, dtype.get_ref<const std::string&>(), &TypeName::name)
          : kTypes.end();
  if (type == kTypes.end()) return bad("has an unknown element type");
  TensorView view{name, type->type, {}, {}};
  const auto count = ElementCount(entry["shape"], view.shape);
  if (!count) return bad("has a malformed shape");
  const Json& offsets = entry["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    return bad("has malformed data_offsets");
  }
  const auto begin = offsets[0].get<std::uint64_t>();
  const auto end = offsets[1].get<std::uint64_t>();
  std::uint64_t bytes = 0;
  if (begin > end || end > buffers.size()) return bad("lies outside the file");
  if (__builtin_mul_overflow(*count, type->size, &bytes) || end - begin != bytes) {
    return bad("has a size that does not match its shape");
  }
  view.data = buffers.subspan(begin, bytes);
  if (bytes > 0 && reinterpret_cast<std::uintptr_t>(view.data.data()) % type->size != 0) {
    return bad("is not aligned to its element size");
  }
  return view;
}

// The buffers have to tile the file: no overlap, no hole, nothing left over.
Result<void> CheckTiling(const std::string& path, std::vector<TensorView> all,
                         std::span<const std::byte> buffers) {
  std::ranges::sort(all, [](const TensorView& a, const TensorView& b) {
    return std::pair(a.data.data(), a.data.size()) < std::pair(b.data.data(), b.data.size());
  });
  const std::byte* expected = buffers.data();
  for (const TensorView& view : all) {
    if (view.data.data() != expected) {
      return Malformed(path,
                       fmt::format("there is a hole or an overlap before tensor '{}'", view.name));
    }
    expected += view.data.size();
  }
  if (expected != buffers.data() + buffers.size()) return Malformed(path, "it has bytes left over");
  return {};
}

struct Header {
  Json metadata;
  std::vector<TensorView> tensors;
};

Result<Json> ParseMetadata(const std::string& path, const Json& header) {
  const auto found = header.find("__metadata__");
  if (found == header.end()) return Json::object();
  if (!found->is_object()) return Malformed(path, "its metadata is not an object");
  const auto text = found->find("dml");
  if (text == found->end()) return Json::object();
  if (!text->is_string()) return Malformed(path, "its metadata is not text");
  Json metadata = Json::parse(text->get_ref<const std::string&>(), nullptr, false);
  if (metadata.is_discarded()) return Malformed(path, "its metadata is not valid JSON");
  return metadata;
}

Result<Header> ParseHeader(const std::string& path, std::span<const std::byte> bytes) {
  if (bytes.size() < kLengthBytes) return Malformed(path, "it is shorter than 8 bytes");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kHeaderBytesMax || length > bytes.size() - kLengthBytes) {
    return Malformed(path, "its header is longer than the file");
  }
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + kLengthBytes;
  const Json json = Json::parse(text, text + length, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Malformed(path, "its header is not a JSON object");

  Header header;
  DML_TRY(header.metadata, ParseMetadata(path, json));
  const auto buffers = bytes.subspan(kLengthBytes + length);
  std::vector<TensorView> all;
  for (const auto& [name, entry] : json.items()) {
    if (name == "__metadata__") continue;
    DML_TRY(TensorView view, ParseTensor(path, name, entry, buffers));
    all.push_back(std::move(view));
  }
  DML_RETURN_IF_ERROR(CheckTiling(path, all, buffers));
  for (TensorView& view : all) {
    if (!view.name.starts_with(kPaddingPrefix)) header.tensors.push_back(std::move(view));
  }
  return header;
}

// The header text for these tensors, padded so that the first buffer is aligned in the file.
std::string RenderHeader(const Json& metadata, std::span<const TensorBuffer> tensors) {
  Json header = Json::object();
  header["__metadata__"] = Json{{"dml", CanonicalJson(metadata)}};
  std::uint64_t offset = 0;
  const auto add = [&](const std::string& name, TensorType type, const Json& shape,
                       std::size_t bytes) {
    header[name] = Json{
        {"dtype", NameOf(type).name}, {"shape", shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  };
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorBuffer& tensor = tensors[i];
    DML_CHECK(!header.contains(tensor.name) && !tensor.name.starts_with(kPaddingPrefix),
              "tensor names are unique and not reserved");
    std::uint64_t count = 1;
    for (const std::int64_t dim : tensor.shape) count *= static_cast<std::uint64_t>(dim);
    DML_CHECK(count * NameOf(tensor.type).size == tensor.data.size(), "a shape covers its data");
    add(tensor.name, tensor.type, tensor.shape, tensor.data.size());
    const std::size_t padding = PaddingTo(offset);
    if (padding > 0) {
      add(fmt::format("{}{}", kPaddingPrefix, i), TensorType::kU8, Json::array({padding}), padding);
    }
  }
  std::string text = CanonicalJson(header);
  text.append(PaddingTo(kLengthBytes + text.size()), ' ');
  return text;
}

// An output file that is removed again unless Close() succeeds.
class TensorOutput {
 public:
  explicit TensorOutput(const std::string& path)
      : path_(path), fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {}
  ~TensorOutput() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  TensorOutput(const TensorOutput&) = delete;
  TensorOutput& operator=(const TensorOutput&) = delete;

  [[nodiscard]] bool ok() const { return fd_ >= 0; }
  Result<void> Append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return WriteError("cannot write '" + path_ + "'", path_, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
  }
  Result<void> Close() {
    if (::close(std::exchange(fd_, -1)) != 0) {
      const int saved = errno;
      ::unlink(path_.c_str());
      return WriteError("cannot close '" + path_ + "'", path_, saved);
    }
    return {};
  }

 private:
  std::string path_;
  int fd_;
};

}  // namespace

std::size_t TensorTypeSize(TensorType type) { return NameOf(type).size; }

Result<std::shared_ptr<const TensorFile>> TensorFile::Open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error::System("cannot open '" + path + "'", errno);
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    return Malformed(path, "it is not a regular file");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size < kLengthBytes) {
    ::close(fd);
    return Malformed(path, "it is shorter than 8 bytes");
  }
  void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  const int saved = errno;
  ::close(fd);
  if (mapping == MAP_FAILED) return Error::System("cannot map '" + path + "'", saved);
  std::shared_ptr<TensorFile> file(new TensorFile());
  file->path_ = path;
  file->mapping_ = {static_cast<const std::byte*>(mapping), size};
  file->owns_mapping_ = true;
  DML_TRY(Header header, ParseHeader(path, file->mapping_));
  file->metadata_ = std::move(header.metadata);
  file->tensors_ = std::move(header.tensors);
  return std::shared_ptr<const TensorFile>(std::move(file));
}

Result<std::shared_ptr<const TensorFile>> TensorFile::Parse(std::span<const std::byte> bytes,
                                                            const std::string& name) {
  DML_TRY(Header header, ParseHeader(name, bytes));
  std::shared_ptr<TensorFile> file(new TensorFile());
  file->path_ = name;
  file->mapping_ = bytes;
  file->metadata_ = std::move(header.metadata);
  file->tensors_ = std::move(header.tensors);
  return std::shared_ptr<const TensorFile>(std::move(file));
}

TensorFile::~TensorFile() {
  if (owns_mapping_) {
    ::munmap(const_cast<std::byte*>(mapping_.data()), mapping_.size());  // NOLINT: mmap gave it
  }
}

const TensorView* TensorFile::Find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(tensors_, name, {}, &TensorView::name);
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

Result<const TensorView*> TensorFile::Get(std::string_view name, TensorType type) const {
  const TensorView* view = Find(name);
  if (view == nullptr) return Malformed(path_, fmt::format("tensor '{}' is missing", name));
  if (view->type != type) {
    return Malformed(path_, fmt::format("tensor '{}' is {}, not {}", name, NameOf(view->type).name,
                                        NameOf(type).name));
  }
  return view;
}

Result<void> WriteTensorFile(const std::string& path, const Json& metadata,
                             std::span<const TensorBuffer> tensors) {
  const std::string header = RenderHeader(metadata, tensors);
  const std::uint64_t length = header.size();
  TensorOutput file(path);
  if (!file.ok()) return WriteError("cannot create '" + path + "'", path, errno);
  DML_RETURN_IF_ERROR(file.Append(std::as_bytes(std::span(&length, 1))));
  DML_RETURN_IF_ERROR(file.Append(std::as_bytes(std::span(header))));
  static constexpr std::array<std::byte, kAlignment> kZeros{};
  for (const TensorBuffer& tensor : tensors) {
    DML_RETURN_IF_ERROR(file.Append(tensor.data));
    DML_RETURN_IF_ERROR(file.Append(std::span(kZeros).first(PaddingTo(tensor.data.size()))));
  }
  return file.Close();
}

}  // namespace dml
