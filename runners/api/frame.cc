#include "runners/api/frame.h"

namespace dml::runners {

namespace {

constexpr std::size_t kHeaderBytes = 5;
// Consumed bytes are dropped in bulk: dropping them frame by frame would copy the rest each time.
constexpr std::size_t kCompactBytes = 1U << 16;

std::uint32_t ReadSize(const char* bytes) {
  std::uint32_t size = 0;
  for (int i = 3; i >= 0; --i) size = size << 8 | static_cast<unsigned char>(bytes[i]);
  return size;
}

}  // namespace

bool IsKnown(std::uint8_t type) {
  const auto within = [type](FrameType low, FrameType high) {
    return type >= static_cast<std::uint8_t>(low) && type <= static_cast<std::uint8_t>(high);
  };
  return within(FrameType::kHello, FrameType::kReturned) ||
         within(FrameType::kAttach, FrameType::kLooked);
}

void AppendFrame(FrameType type, std::string_view payload, std::string& out) {
  DML_CHECK(payload.size() <= kFramePayloadMax, "a frame has a bounded size");
  const auto size = static_cast<std::uint32_t>(payload.size());
  for (int i = 0; i < 4; ++i) out += static_cast<char>(size >> (8 * i) & 0xff);
  out += static_cast<char>(type);
  out += payload;
}

Result<std::optional<Frame>> FrameDecoder::Next() {
  const std::size_t available = buffer_.size() - consumed_;
  if (available < kHeaderBytes) return std::optional<Frame>();
  const char* header = buffer_.data() + consumed_;
  const std::size_t size = ReadSize(header);
  const auto type = static_cast<std::uint8_t>(header[4]);
  if (size > kFramePayloadMax)
    return Error::Environment("a frame is larger than the protocol allows");
  if (!IsKnown(type)) return Error::Environment("a frame has an unknown type");
  if (available < kHeaderBytes + size) return std::optional<Frame>();
  Frame frame{static_cast<FrameType>(type), std::string(header + kHeaderBytes, size)};
  consumed_ += kHeaderBytes + size;
  if (consumed_ == buffer_.size() || consumed_ > kCompactBytes) {
    buffer_.erase(0, consumed_);
    consumed_ = 0;
  }
  return std::optional<Frame>(std::move(frame));
}

}  // namespace dml::runners
