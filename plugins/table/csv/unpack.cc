#include "plugins/table/csv/unpack.h"

#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace dml::table {

namespace {

constexpr std::size_t kBlock = std::size_t{1} << 18;
using Sink = std::function<Result<void>(std::string_view)>;

Error Damaged(const std::string& path, std::string_view why) {
  return Error::Invalid(fmt::format("'{}' cannot be unpacked: {}", path, why),
                        "copy or produce the file again");
}

// The next block of the file; empty at its end.
Result<std::string_view> ReadBlock(int fd, const std::string& path, std::vector<char>& block) {
  while (true) {
    const ssize_t got = ::read(fd, block.data(), block.size());
    if (got >= 0) return std::string_view(block.data(), static_cast<std::size_t>(got));
    if (errno != EINTR) return Error::System("cannot read '" + path + "'", errno);
  }
}

Result<void> Copy(int fd, const std::string& path, const Sink& sink) {
  std::vector<char> block(kBlock);
  while (true) {
    DML_TRY(const std::string_view read, ReadBlock(fd, path, block));
    if (read.empty()) return {};
    DML_RETURN_IF_ERROR(sink(read));
  }
}

Result<void> UnpackGzip(int fd, const std::string& path, const Sink& sink) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  if (::inflateInit2(&stream, kGzipWindow) != Z_OK) return Error::Task("zlib cannot start");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, ::inflateEnd);
  std::vector<char> in(kBlock);
  std::vector<char> out(kBlock);
  bool inside = false;  // a member has begun and not ended
  bool any = false;
  while (true) {
    DML_TRY(const std::string_view read, ReadBlock(fd, path, in));
    if (read.empty()) break;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(read.size());
    // Input may be left, or output that did not fit into one block.
    while (stream.avail_in > 0 || (inside && stream.avail_out == 0)) {
      if (any && !inside) {
        if (*stream.next_in == 0) {  // zero padding after the last member
          ++stream.next_in;
          --stream.avail_in;
          continue;
        }
        if (::inflateReset(&stream) != Z_OK) return Damaged(path, "zlib failed");
      }
      any = true;
      stream.next_out = reinterpret_cast<Bytef*>(out.data());
      stream.avail_out = static_cast<uInt>(out.size());
      const int status = ::inflate(&stream, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        return Damaged(path, stream.msg == nullptr ? "the gzip data is damaged" : stream.msg);
      }
      DML_RETURN_IF_ERROR(sink({out.data(), out.size() - stream.avail_out}));
      inside = status != Z_STREAM_END;
    }
  }
  if (inside) return Damaged(path, "the gzip data ends too early");
  return {};
}

Result<void> UnpackZstd(int fd, const std::string& path, const Sink& sink) {
  const std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream(::ZSTD_createDStream(),
                                                                             ::ZSTD_freeDStream);
  std::vector<char> in(kBlock);
  std::vector<char> out(kBlock);
  std::size_t pending = 0;  // 0: between frames
  while (true) {
    DML_TRY(const std::string_view read, ReadBlock(fd, path, in));
    if (read.empty()) break;
    ZSTD_inBuffer input{read.data(), read.size(), 0};
    bool full = true;
    while (input.pos < input.size || full) {
      ZSTD_outBuffer output{out.data(), out.size(), 0};
      pending = ::ZSTD_decompressStream(stream.get(), &output, &input);
      if (::ZSTD_isError(pending) != 0) return Damaged(path, ::ZSTD_getErrorName(pending));
      DML_RETURN_IF_ERROR(sink({out.data(), output.pos}));
      full = output.pos == output.size && pending != 0;
    }
  }
  if (pending != 0) return Damaged(path, "the zstd data ends too early");
  return {};
}

}  // namespace

Packing PackingOf(std::string_view head) {
  if (head.starts_with("\x1f\x8b")) return Packing::kGzip;
  if (head.starts_with("\x28\xb5\x2f\xfd")) return Packing::kZstd;
  return Packing::kNone;
}

Result<void> Unpack(int fd, const std::string& path, Packing packing, const Sink& sink) {
  switch (packing) {
    case Packing::kNone:
      return Copy(fd, path, sink);
    case Packing::kGzip:
      return UnpackGzip(fd, path, sink);
    case Packing::kZstd:
      return UnpackZstd(fd, path, sink);
  }
  DML_UNREACHABLE("every packing can be unpacked");
}

}  // namespace dml::table
