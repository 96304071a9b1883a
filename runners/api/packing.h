#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"

// Messages in a flat binary form: numbers little-endian, texts and lists behind their length, in
// the order of their fields. A type says once what its fields are,
//
//   void Fields(auto& io, Is<KillRequest> auto& request) { io(request.key, request.mode); }
//
// and Pack() and Unpack() are made of that. An enumeration says where it ends: LastOf(ErrorKind).
namespace dml::runners {

// Whatever walks a JSON value calls itself at every level. Pipelines nest less than half as deep.
inline constexpr int kJsonDepthMax = 1000;
// What a message may take in memory: a few bytes can say that a million empty things follow.
inline constexpr std::size_t kUnpackedBytesMax = 256U << 20;

// T is Wanted, or Wanted that is only read.
template <typename T, typename Wanted>
concept Is = std::same_as<std::remove_const_t<T>, Wanted>;

class Packer {
 public:
  template <typename... Ts>
  void operator()(const Ts&... values) {
    (Put(values), ...);
  }
  [[nodiscard]] std::string Take() { return std::move(bytes_); }

 private:
  template <typename T>
  void Put(const T& value) {
    if constexpr (std::is_same_v<T, double>) {
      Put(std::bit_cast<std::uint64_t>(value));
    } else if constexpr (std::is_enum_v<T> || std::is_same_v<T, bool>) {
      bytes_ += static_cast<char>(value);
    } else if constexpr (std::is_integral_v<T>) {
      const auto bits = static_cast<std::make_unsigned_t<T>>(value);
      for (std::size_t i = 0; i < sizeof(T); ++i) bytes_ += static_cast<char>(bits >> (8 * i));
    } else {
      Fields(*this, value);
    }
  }
  void Put(const std::string& text) {
    Put(static_cast<std::uint32_t>(text.size()));
    bytes_ += text;
  }
  void Put(const Json& json) { Put(json.empty() ? std::string() : CanonicalJson(json)); }
  void Put(const Digest& digest) {
    bytes_.append(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
  }
  template <typename T>
  void Put(const std::vector<T>& list) {
    Put(static_cast<std::uint32_t>(list.size()));
    for (const T& item : list) Put(item);
  }
  template <typename K, typename V>
  void Put(const std::map<K, V>& map) {
    Put(static_cast<std::uint32_t>(map.size()));
    for (const auto& [key, value] : map) (*this)(key, value);
  }
  template <typename T>
  void Put(const std::optional<T>& value) {
    Put(value.has_value());
    if (value) Put(*value);
  }
  template <typename... Ts>
  void Put(const std::variant<Ts...>& value) {
    Put(static_cast<std::uint8_t>(value.index()));
    std::visit([this](const auto& one) { this->Put(one); }, value);
  }

  std::string bytes_;
};

// Trusts nothing: what does not fit leaves the rest empty, and whole() false.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}

  template <typename... Ts>
  void operator()(Ts&... values) {
    (Get(values), ...);
  }
  void Refuse() { fine_ = false; }
  // Everything fitted, and nothing is left over.
  [[nodiscard]] bool whole() const { return fine_ && rest_.empty(); }

 private:
  template <typename T>
  void Get(T& value) {
    if constexpr (std::is_same_v<T, double>) {
      std::uint64_t bits = 0;
      Get(bits);
      value = std::bit_cast<double>(bits);
    } else if constexpr (std::is_same_v<T, bool>) {
      value = Byte(1) != 0;
    } else if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(Byte(static_cast<std::uint8_t>(LastOf(value))));
    } else if constexpr (std::is_integral_v<T>) {
      const std::string_view bytes = Bytes(sizeof(T));
      std::make_unsigned_t<T> bits = 0;
      for (std::size_t i = bytes.size(); i-- > 0;) {
        bits = static_cast<decltype(bits)>(std::uint64_t{bits} << 8U |
                                           static_cast<unsigned char>(bytes[i]));
      }
      value = static_cast<T>(bits);
    } else {
      Fields(*this, value);
    }
  }
  void Get(std::string& text) { text = Bytes(Size()); }
  // Metrics and parameters are objects.
  void Get(Json& json) {
    const std::string_view text = Bytes(Size());
    json = Json::object();
    if (text.empty()) return;
    Weigh(text);
    if (!fine_) return;
    json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) Refuse();
  }
  void Get(Digest& digest) {
    const std::string_view bytes = Bytes(digest.bytes.size());
    if (!bytes.empty()) std::memcpy(digest.bytes.data(), bytes.data(), bytes.size());
  }
  template <typename T>
  void Get(std::vector<T>& list) {
    // Grows as items arrive: a length is only a claim.
    for (std::size_t left = Size(); left > 0 && fine_; --left) {
      Charge(sizeof(T));
      Get(list.emplace_back());
    }
  }
  template <typename K, typename V>
  void Get(std::map<K, V>& map) {
    for (std::size_t left = Size(); left > 0 && fine_; --left) {
      K key{};
      Charge(sizeof(K) + sizeof(V));
      Get(key);
      Get(map[std::move(key)]);
    }
  }
  template <typename T>
  void Get(std::optional<T>& value) {
    bool there = false;
    Get(there);
    if (there) Get(value.emplace());
  }
  template <typename... Ts>
  void Get(std::variant<Ts...>& value) {
    const std::size_t wanted = Byte(sizeof...(Ts) - 1);
    std::size_t index = 0;
    ((index++ == wanted ? Get(value.template emplace<Ts>()) : void()), ...);
  }

  void Charge(std::size_t bytes) {
    spent_ += bytes;
    if (spent_ > kUnpackedBytesMax) Refuse();
  }
  // Before it is parsed: how deep it is, and how many values it has.
  void Weigh(std::string_view json) {
    int depth{0};
    bool quoted = false;
    for (std::size_t i = 0; i < json.size() && fine_; ++i) {
      const char c = json[i];
      if (c == '"') quoted = !quoted;
      if (quoted) {
        if (c == '\\') ++i;
        continue;
      }
      const bool opens = c == '[' || c == '{';
      if (opens || c == ',') Charge(kJsonValueBytes);
      if (opens && ++depth > kJsonDepthMax) Refuse();
      if (c == ']' || c == '}') --depth;
    }
  }

  std::size_t Size() {
    std::uint32_t size = 0;
    Get(size);
    // An item takes a byte at least.
    if (size > rest_.size()) Refuse();
    return fine_ ? size : 0;
  }
  std::uint8_t Byte(std::uint8_t most) {
    std::uint8_t value = 0;
    Get(value);
    if (value > most) Refuse();
    return fine_ ? value : 0;
  }
  // Empty if there are fewer.
  std::string_view Bytes(std::size_t count) {
    if (count > rest_.size()) Refuse();
    if (!fine_) return {};
    const std::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
  }

  static constexpr std::size_t kJsonValueBytes = 64;

  std::string_view rest_;
  std::size_t spent_{0};
  bool fine_ = true;
};

template <typename T>
[[nodiscard]] std::string Pack(const T& message) {
  Packer packer;
  packer(message);
  return packer.Take();
}

// kEnvironment if the bytes are anything but one T.
template <typename T>
[[nodiscard]] Result<T> Unpack(std::string_view bytes) {
  Unpacker unpacker(bytes);
  T message{};
  unpacker(message);
  if (!unpacker.whole()) return Error::Environment("a malformed message");
  return message;
}

}  // namespace dml::runners
