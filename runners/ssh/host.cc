#include "runners/ssh/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace dml::ssh {

namespace {

constexpr std::size_t kNameBytesMax = 255;

bool Consists(const std::string& text, std::string_view signs) {
  if (text.empty() || text.size() > kNameBytesMax || text.front() == '-') return false;
  return std::ranges::all_of(text, [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || signs.find(c) != signs.npos;
  });
}

}  // namespace

bool IsPlainHost(const std::string& text) { return Consists(text, "._-:%"); }

bool IsPlainUser(const std::string& text) { return Consists(text, "._-$+"); }

bool IsJump(const std::string& text) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::string hop = text.substr(at, end - at);
    at = end + 1;
    if (const std::size_t sign = hop.find('@'); sign != std::string::npos) {
      if (!IsPlainUser(hop.substr(0, sign))) return false;
      hop.erase(0, sign + 1);
    }
    if (!IsPlainHost(hop)) return false;
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

std::string Describe(const Host& host) {
  const bool bare = host.user.empty();
  return fmt::format("{}{}{}:{}", host.user, bare ? "" : "@", host.address, host.port);
}

}  // namespace dml::ssh
