#include "plugins/table/csv/pack.h"

#include <zlib.h>
#include <zstd.h>

#include <vector>

#include "base/check.h"

namespace dml::table {

namespace {

constexpr std::size_t kBlock = std::size_t{1} << 17;

}  // namespace

Packing PackingForName(std::string_view path) {
  if (path.ends_with(".gz")) return Packing::kGzip;
  if (path.ends_with(".zst")) return Packing::kZstd;
  return Packing::kNone;
}

struct Packer::Gzip {
  z_stream stream{};
  std::vector<char> block = std::vector<char>(kBlock);

  Gzip() {
    constexpr int kGzipWindow = 15 + 16;
    constexpr int kMemoryLevel = 8;
    const int status = ::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow,
                                      kMemoryLevel, Z_DEFAULT_STRATEGY);
    DML_CHECK(status == Z_OK, "zlib starts");
  }
  ~Gzip() { ::deflateEnd(&stream); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  void Add(std::string_view text, bool last, std::string& out) {
    std::string input(text);  // zlib's input is not const
    stream.next_in = reinterpret_cast<Bytef*>(input.data());
    stream.avail_in = static_cast<uInt>(input.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(block.data());
      stream.avail_out = static_cast<uInt>(block.size());
      const int status = ::deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
      DML_CHECK(status != Z_STREAM_ERROR, "zlib's stream is sound");
      out.append(block.data(), block.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  }
};

struct Packer::Zstd {
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context{::ZSTD_createCCtx(),
                                                                  ::ZSTD_freeCCtx};
  std::vector<char> block = std::vector<char>(kBlock);

  Zstd() { ::ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1); }

  void Add(std::string_view text, bool last, std::string& out) {
    ZSTD_inBuffer input{text.data(), text.size(), 0};
    while (true) {
      ZSTD_outBuffer output{block.data(), block.size(), 0};
      const std::size_t left = ::ZSTD_compressStream2(context.get(), &output, &input,
                                                      last ? ZSTD_e_end : ZSTD_e_continue);
      DML_CHECK(::ZSTD_isError(left) == 0, "zstd's stream is sound");
      out.append(block.data(), output.pos);
      if (last ? left == 0 : input.pos == input.size) return;
    }
  }
};

Packer::Packer(Packing packing) {
  if (packing == Packing::kGzip) gzip_ = std::make_unique<Gzip>();
  if (packing == Packing::kZstd) zstd_ = std::make_unique<Zstd>();
}
Packer::~Packer() = default;

void Packer::Add(std::string_view text, bool last, std::string& out) {
  if (gzip_) {
    gzip_->Add(text, last, out);
  } else if (zstd_) {
    zstd_->Add(text, last, out);
  } else {
    out += text;
  }
}

}  // namespace dml::table
