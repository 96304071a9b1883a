#include "runners/ssh/host.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>

namespace dml::ssh {

namespace {

constexpr std::size_t kNameBytesMax = 255;
constexpr int kHopPortMax = 65535;

bool Consists(const std::string& text, std::string_view signs) {
  if (text.empty() || text.size() > kNameBytesMax || text.front() == '-') return false;
  return std::ranges::all_of(text, [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || signs.find(c) != signs.npos;
  });
}

}  // namespace

bool IsPlainHost(const std::string& text) { return Consists(text, "._-:%"); }

bool IsHostAddress(const std::string& text) {
  if (!IsPlainHost(text)) return false;
  if (text.find_first_of(":%") == std::string::npos) return true;
  in6_addr parsed{};
  return ::inet_pton(AF_INET6, text.substr(0, text.find('%')).c_str(), &parsed) == 1;
}

bool IsPlainUser(const std::string& text) { return Consists(text, "._-$+"); }

std::optional<Hop> ParseHop(std::string text) {
  Hop hop;
  if (const std::size_t sign = text.find('@'); sign != std::string::npos) {
    hop.user = text.substr(0, sign);
    if (!IsPlainUser(hop.user)) return std::nullopt;
    text.erase(0, sign + 1);
  }
  const std::size_t closed = text.starts_with('[') ? text.find(']') : std::string::npos;
  const bool bracketed = closed != std::string::npos;
  const std::size_t colon = text.find(':', bracketed ? closed : 0);
  // More than one is a bare address of IPv6.
  const bool has_port = colon != std::string::npos && text.rfind(':') == colon;
  if (has_port) {
    const char* const end = text.data() + text.size();
    const auto [next, error] = std::from_chars(text.data() + colon + 1, end, hop.port);
    if (error != std::errc() || next != end || hop.port < 1 || hop.port > kHopPortMax) {
      return std::nullopt;
    }
    text.resize(colon);
  }
  if (bracketed && closed + 1 != text.size()) return std::nullopt;
  hop.address = bracketed ? text.substr(1, closed - 1) : text;
  if (!IsHostAddress(hop.address)) return std::nullopt;
  return hop;
}

bool IsJump(const std::string& text) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    if (!ParseHop(text.substr(at, end - at))) return false;
    at = end + 1;
  }
  return true;
}

bool IsPinnedKey(const std::string& text) {
  if (text.starts_with("SHA256:")) return Consists(text.substr(7), "+/=");
  const std::size_t space = text.find(' ');
  if (space == std::string::npos || !Consists(text.substr(0, space), "-.@")) return false;
  const std::string base64 = text.substr(space + 1, text.find(' ', space + 1) - space - 1);
  return !base64.empty() && std::ranges::all_of(base64, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("+/=").find(c) != std::string_view::npos;
  });
}

bool IsPlainPath(const std::string& text) {
  return Consists(text, "_./-") && text.find("..") == std::string::npos;
}

double CoresOf(const Host& host) { return host.cpus > 0 ? host.cpus : host.slots; }

std::string WithPort(const Host& host) {
  const bool brackets = host.address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", brackets ? "[" : "", host.address, brackets ? "]" : "",
                     host.port);
}

std::string Describe(const Host& host) {
  const bool bare = host.user.empty();
  return fmt::format("{}{}{}", host.user, bare ? "" : "@", WithPort(host));
}

}  // namespace dml::ssh
