#include "runners/api/frame.h"

#include <cstring>

namespace dml::runners {

namespace {

constexpr std::size_t kHeaderBytes = 5;
// What is left of a frame is seldom moved if there is room for more than what comes at once.
constexpr std::size_t kRoomsAhead = 8;

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
         within(FrameType::kAttach, FrameType::kUnwanted);
}

void AppendFrame(FrameType type, std::string_view payload, std::string& out) {
  AppendFrame(type, payload, {}, out);
}

void AppendFrame(FrameType type, std::string_view head, std::string_view body, std::string& out) {
  DML_CHECK(head.size() <= kFramePayloadMax && body.size() <= kFramePayloadMax - head.size(),
            "a frame has a bounded size");
  const auto size = static_cast<std::uint32_t>(head.size() + body.size());
  for (int i = 0; i < 4; ++i) out += static_cast<char>(size >> (8 * i) & 0xff);
  out += static_cast<char>(type);
  out += head;
  out += body;
}

void FrameDecoder::MakeRoom(std::size_t bytes, std::size_t grow_to) {
  if (consumed_ == filled_) consumed_ = filled_ = 0;
  if (buffer_.size() - filled_ >= bytes) return;
  if (consumed_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + consumed_, filled_ - consumed_);
    filled_ -= consumed_;
    consumed_ = 0;
  }
  if (buffer_.size() - filled_ < bytes) buffer_.resize(filled_ + grow_to);
}

void FrameDecoder::Feed(std::string_view bytes) {
  MakeRoom(bytes.size(), bytes.size());
  bytes.copy(buffer_.data() + filled_, bytes.size());
  filled_ += bytes.size();
}

std::span<char> FrameDecoder::Room(std::size_t least) {
  MakeRoom(least, kRoomsAhead * least);
  return {buffer_.data() + filled_, buffer_.size() - filled_};
}

Result<std::optional<FrameView>> FrameDecoder::NextView() {
  const std::size_t available = filled_ - consumed_;
  if (available < kHeaderBytes) return std::optional<FrameView>();
  const char* header = buffer_.data() + consumed_;
  const std::size_t size = ReadSize(header);
  const auto type = static_cast<std::uint8_t>(header[4]);
  if (size > kFramePayloadMax)
    return Error::Environment("a frame is larger than the protocol allows");
  if (!IsKnown(type)) return Error::Environment("a frame has an unknown type");
  if (available < kHeaderBytes + size) return std::optional<FrameView>();
  consumed_ += kHeaderBytes + size;
  return std::optional(FrameView{static_cast<FrameType>(type), {header + kHeaderBytes, size}});
}

Result<std::optional<Frame>> FrameDecoder::Next() {
  DML_TRY(const std::optional<FrameView> frame, NextView());
  if (!frame) return std::optional<Frame>();
  return std::optional(Frame{frame->type, std::string(frame->payload)});
}

}  // namespace dml::runners
