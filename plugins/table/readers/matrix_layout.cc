#include "plugins/table/readers/matrix_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "plugins/table/column_builder.h"

namespace dml::table {

namespace {

using Element = MatrixLayout::Element;

template <typename T>
T LoadElement(const char* at, bool swap) {
  std::array<char, sizeof(T)> bytes{};
  std::memcpy(bytes.data(), at, sizeof(T));
  if (swap) std::ranges::reverse(bytes);
  T value{};
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

void AppendElement(ColumnBuilder& column, const char* at, Element element, bool swap) {
  switch (element) {
    case Element::kF4:
      return column.AppendDouble(static_cast<double>(LoadElement<float>(at, swap)));
    case Element::kF8:
      return column.AppendDouble(LoadElement<double>(at, swap));
    case Element::kI1:
      return column.AppendInt64(LoadElement<std::int8_t>(at, swap));
    case Element::kI2:
      return column.AppendInt64(LoadElement<std::int16_t>(at, swap));
    case Element::kI4:
      return column.AppendInt64(LoadElement<std::int32_t>(at, swap));
    case Element::kI8:
      return column.AppendInt64(LoadElement<std::int64_t>(at, swap));
    case Element::kU1:
      return column.AppendInt64(LoadElement<std::uint8_t>(at, swap));
    case Element::kU2:
      return column.AppendInt64(LoadElement<std::uint16_t>(at, swap));
    case Element::kU4:
      return column.AppendInt64(LoadElement<std::uint32_t>(at, swap));
    case Element::kBool:
      return column.AppendBool(*at != 0);
  }
}

Error BadNpy(const TextSource::File& file, std::string_view why) {
  return Error::Invalid(fmt::format("'{}' is not a .npy file that dml reads: {}", file.path, why));
}

// The text after "'key':" in the header's dictionary.
std::string_view HeaderValue(std::string_view header, std::string_view key) {
  const std::size_t at = header.find(fmt::format("'{}'", key));
  if (at == std::string_view::npos) return {};
  const std::size_t colon = header.find(':', at);
  if (colon == std::string_view::npos) return {};
  std::string_view value = header.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  return value;
}

Result<void> ParseDescr(const TextSource::File& file, std::string_view descr,
                        MatrixLayout& layout) {
  static constexpr std::array<std::pair<std::string_view, Element>, 10> kCodes{
      {{"f4", Element::kF4},
       {"f8", Element::kF8},
       {"i1", Element::kI1},
       {"i2", Element::kI2},
       {"i4", Element::kI4},
       {"i8", Element::kI8},
       {"u1", Element::kU1},
       {"u2", Element::kU2},
       {"u4", Element::kU4},
       {"b1", Element::kBool}}};
  if (descr.size() < 5 || descr[0] != '\'' || descr[4] != '\'') {
    return BadNpy(file, "its elements are records or of an odd type");
  }
  layout.big_endian = descr[1] == '>';
  for (const auto& [code, element] : kCodes) {
    if (descr.substr(2, 2) != code) continue;
    layout.element = element;
    return {};
  }
  Error error =
      BadNpy(file, fmt::format("elements of type {} are not supported", descr.substr(0, 5)));
  error.hint = "save numbers of another type: array.astype('float64')";
  return error;
}

Result<void> ParseShape(const TextSource::File& file, std::string_view shape,
                        MatrixLayout& layout) {
  if (!shape.starts_with('(')) return BadNpy(file, "it has no shape");
  shape.remove_prefix(1);
  std::vector<std::uint64_t> dims;
  std::uint64_t dim = 0;
  bool digits = false;
  bool closed = false;
  for (const char c : shape) {
    if (c >= '0' && c <= '9') {
      if (dim > INT64_MAX / 20) return BadNpy(file, "its shape is out of range");
      dim = dim * 10 + static_cast<std::uint64_t>(c - '0');
      digits = true;
    } else if (c == ',' || c == ')') {
      if (digits) dims.push_back(dim);
      dim = 0;
      digits = false;
      closed = c == ')';
      if (closed) break;
    } else if (c != ' ') {
      return BadNpy(file, "its shape is malformed");
    }
  }
  if (!closed) return BadNpy(file, "its shape is malformed");
  if (dims.empty()) return BadNpy(file, "it is a single value, not an array");
  if (layout.fortran && dims.size() > 2) {
    return BadNpy(file, "Fortran order is read for up to two axes");
  }
  layout.rows = dims[0];
  layout.columns = 1;
  for (std::size_t i = 1; i < dims.size(); ++i) {
    if (__builtin_mul_overflow(layout.columns, dims[i], &layout.columns)) {
      return BadNpy(file, "its shape is out of range");
    }
  }
  return {};
}

}  // namespace

std::size_t MatrixLayout::ElementSize() const {
  static constexpr std::array<std::size_t, 10> kSizes{4, 8, 1, 2, 4, 8, 1, 2, 4, 1};
  return kSizes.at(static_cast<std::size_t>(element));
}

ColumnType MatrixLayout::Type() const {
  if (element == Element::kF4) return ColumnType::kFloat32;
  if (element == Element::kF8) return ColumnType::kFloat64;
  return element == Element::kBool ? ColumnType::kBool : ColumnType::kInt64;
}

Result<void> MatrixLayout::CheckSize(const TextSource::File& file) const {
  constexpr std::uint64_t kColumnsMax = 1'000'000;
  std::uint64_t bytes = 0;
  const bool fits = !__builtin_mul_overflow(rows, columns, &bytes) &&
                    !__builtin_mul_overflow(bytes, ElementSize(), &bytes) && offset <= file.size &&
                    bytes == file.size - offset;
  if (!fits) {
    return Error::Invalid(fmt::format("'{}' has a size that does not fit its {} x {} elements",
                                      file.path, rows, columns),
                          "the file is damaged or was cut short");
  }
  if (rows == 0 || columns == 0) return Error::Invalid(fmt::format("'{}' is empty", file.path));
  if (columns > kColumnsMax) {
    return Error::Invalid(
        fmt::format("'{}' has {} columns, more than {}", file.path, columns, kColumnsMax));
  }
  return {};
}

Result<std::vector<Column>> ReadMatrix(const TextSource& source, const TextSource::File& file,
                                       const MatrixLayout& layout, std::uint64_t begin,
                                       std::uint64_t end) {
  const std::size_t size = layout.ElementSize();
  const std::size_t rows = end - begin;
  const std::size_t columns = layout.columns;
  std::vector<char> bytes(rows * (layout.fortran ? 1 : columns) * size);
  if (!layout.fortran) {
    DML_RETURN_IF_ERROR(
        source.ReadAt(file, layout.offset + begin * columns * size, bytes.data(), bytes.size()));
  }
  std::vector<Column> out;
  for (std::size_t c = 0; c < columns; ++c) {
    if (layout.fortran) {
      DML_RETURN_IF_ERROR(source.ReadAt(file, layout.offset + (c * layout.rows + begin) * size,
                                        bytes.data(), bytes.size()));
    }
    const std::size_t stride = layout.fortran ? size : columns * size;
    const char* at = bytes.data() + (layout.fortran ? 0 : c * size);
    ColumnBuilder builder({"", layout.Type(), 1});
    builder.Reserve(rows);
    for (std::size_t row = 0; row < rows; ++row) {
      AppendElement(builder, at + row * stride, layout.element, layout.big_endian);
    }
    out.push_back(builder.Finish());
  }
  return out;
}

Result<MatrixLayout> ParseNpyHeader(const TextSource& source, const TextSource::File& file) {
  constexpr std::size_t kHeadMax = 65'536 + 12;
  std::string head(kHeadMax, '\0');
  DML_TRY(const std::size_t got, source.ReadAt(file, 0, head.data(), head.size()));
  head.resize(got);
  if (!head.starts_with("\x93NUMPY") || head.size() < 12) return BadNpy(file, "no magic number");
  const bool long_header = head[6] >= 2;
  std::uint32_t length = LoadElement<std::uint16_t>(head.data() + 8, false);
  if (long_header) length = LoadElement<std::uint32_t>(head.data() + 8, false);
  MatrixLayout layout;
  const std::size_t begin = long_header ? 12 : 10;
  if (length > head.size() - begin) return BadNpy(file, "its header is too long");
  layout.offset = begin + length;
  const std::string_view header = std::string_view(head).substr(begin, length);
  DML_RETURN_IF_ERROR(ParseDescr(file, HeaderValue(header, "descr"), layout));
  layout.fortran = HeaderValue(header, "fortran_order").starts_with("True");
  DML_RETURN_IF_ERROR(ParseShape(file, HeaderValue(header, "shape"), layout));
  DML_RETURN_IF_ERROR(layout.CheckSize(file));
  return layout;
}

Result<MatrixLayout> ParseIdxHeader(const TextSource& source, const TextSource::File& file) {
  std::array<char, 4 + 4 * 8> head{};
  DML_TRY(const std::size_t got, source.ReadAt(file, 0, head.data(), head.size()));
  const auto axes = static_cast<std::size_t>(static_cast<unsigned char>(head[3]));
  const auto bad = [&](std::string_view why) {
    return Error::Invalid(fmt::format("'{}' is not an IDX file: {}", file.path, why));
  };
  if (got < 8 || head[0] != 0 || head[1] != 0) return bad("it lacks the magic number");
  if (axes < 1 || axes > 8 || got < 4 + 4 * axes) return bad("its number of axes is malformed");
  MatrixLayout layout;
  layout.big_endian = true;
  switch (head[2]) {
    case 0x08:
      layout.element = Element::kU1;
      break;
    case 0x09:
      layout.element = Element::kI1;
      break;
    case 0x0B:
      layout.element = Element::kI2;
      break;
    case 0x0C:
      layout.element = Element::kI4;
      break;
    case 0x0D:
      layout.element = Element::kF4;
      break;
    case 0x0E:
      layout.element = Element::kF8;
      break;
    default:
      return bad("its element type is unknown");
  }
  layout.rows = LoadElement<std::uint32_t>(head.data() + 4, true);
  layout.columns = 1;
  for (std::size_t i = 1; i < axes; ++i) {
    const std::uint64_t dim = LoadElement<std::uint32_t>(head.data() + 4 + 4 * i, true);
    if (__builtin_mul_overflow(layout.columns, dim, &layout.columns)) {
      return bad("its shape is out of range");
    }
  }
  layout.offset = 4 + 4 * axes;
  DML_RETURN_IF_ERROR(layout.CheckSize(file));
  return layout;
}

}  // namespace dml::table
