#include "base/hash.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/check.h"
#include "base/file_descriptor.h"
#include "base/files.h"

namespace dml {

namespace {

constexpr std::size_t kReadBlockBytes = 1 << 20;

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Fetched once: EVP_sha256() would look the algorithm up for every hash, which costs more than
// hashing a short text.
const EVP_MD* Method() {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return method;
}

}  // namespace

std::string Digest::Hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (std::uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Result<Digest> Digest::FromHex(std::string_view hex) {
  Digest out;
  if (hex.size() != 2 * out.bytes.size()) return Error::Invalid("a digest has 64 hex digits");
  for (std::size_t i = 0; i < out.bytes.size(); ++i) {
    const int high = HexValue(hex[2 * i]);
    const int low = HexValue(hex[2 * i + 1]);
    if (high < 0 || low < 0) return Error::Invalid("a digest has lower-case hex digits only");
    out.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  DML_CHECK(EVP_DigestInit_ex2(state_->context, Method(), nullptr) == 1, "SHA-256 is built in");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

void Sha256::Update(std::string_view text) {
  EVP_DigestUpdate(state_->context, text.data(), text.size());
}

Digest Sha256::Finish() {
  Digest out;
  unsigned int size = 0;
  EVP_DigestFinal_ex(state_->context, out.bytes.data(), &size);
  DML_CHECK(size == out.bytes.size(), "SHA-256 gives 32 bytes");
  return out;
}

Digest Sha256::Of(std::string_view text) {
  Sha256 hash;
  hash.Update(text);
  return hash.Finish();
}

Result<Digest> HashFile(const std::string& path, const std::stop_token& stop) {
  DML_RETURN_IF_ERROR(CheckRegularFile(path));
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return Error::System("cannot open '" + path + "'", errno);
  Sha256 hash;
  std::vector<std::byte> block(kReadBlockBytes);
  while (!stop.stop_requested()) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::System("cannot read '" + path + "'", errno);
    if (got == 0) return hash.Finish();
    hash.Update(std::span(block).first(static_cast<std::size_t>(got)));
  }
  return Error::Cancelled("stopped reading '" + path + "'");
}

Fingerprint& Fingerprint::Add(std::string_view name, std::string_view value) {
  const std::array<std::uint64_t, 2> sizes{name.size(), value.size()};
  hash_.Update(std::as_bytes(std::span(sizes)));
  hash_.Update(name);
  hash_.Update(value);
  return *this;
}

Fingerprint& Fingerprint::Add(std::string_view name, const Digest& value) {
  return Add(name, std::string_view(reinterpret_cast<const char*>(value.bytes.data()),
                                    value.bytes.size()));
}

Digest Fingerprint::Finish() { return hash_.Finish(); }

}  // namespace dml
