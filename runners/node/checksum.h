#pragma once

#include <cstdint>
#include <string_view>

namespace dml::node {

// CRC-32C (Castagnoli) of bytes; `before`: that of the bytes before them. By an instruction of the
// processor where there is one, which costs nothing beside whatever else is done with the bytes.
[[nodiscard]] std::uint32_t Crc32c(std::string_view bytes, std::uint32_t before = 0);

// The same on any processor.
[[nodiscard]] std::uint32_t Crc32cByTable(std::string_view bytes, std::uint32_t before = 0);

}  // namespace dml::node
