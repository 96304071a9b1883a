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

bool IsPlainPath(const std::string& text) {
  return Consists(text, "_./-") && text.find("..") == std::string::npos;
}

std::string Describe(const Host& host) {
  const bool bare = host.user.empty();
  return fmt::format("{}{}{}:{}", host.user, bare ? "" : "@", host.address, host.port);
}

}  // namespace dml::ssh
