#include "plugins/steps/transform/unicode_text.h"

#include <locale.h>
#include <wctype.h>

#include "base/check.h"

namespace dml::steps {

namespace {

// The classes of Unicode, as the C library has them in its built-in UTF-8 locale.
locale_t Unicode() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  DML_CHECK(locale != nullptr, "the C library has the locale C.UTF-8");
  return locale;
}

bool IsAscii(char32_t point) { return point < 0x80; }

void AppendUtf8(char32_t point, std::string& out) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6));
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | (point >> 18));
    put(0x80 | ((point >> 12) & 0x3F));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

}  // namespace

char32_t NextCodePoint(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at++);
  if (first < 0x80) return first;
  const std::size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC2 ? 1 : 0;
  if (more == 0 || first > 0xF4 || at + more > text.size()) return kNotUtf8;
  char32_t point = first & (0x3FU >> more);
  for (std::size_t i = 0; i < more; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return kNotUtf8;
    point = (point << 6) | (byte(at + i) & 0x3F);
  }
  at += more;
  return point;
}

bool IsWordCharacter(char32_t point) {
  if (IsAscii(point)) {
    return (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z') ||
           (point >= '0' && point <= '9') || point == '_';
  }
  return point != kNotUtf8 && iswalnum_l(static_cast<wint_t>(point), Unicode()) != 0;
}

bool IsSpace(char32_t point) {
  if (IsAscii(point)) return point == ' ' || (point >= '\t' && point <= '\r');
  return point != kNotUtf8 && iswspace_l(static_cast<wint_t>(point), Unicode()) != 0;
}

std::string ToLower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t point = NextCodePoint(text, at);
    if (IsAscii(point)) {
      out += static_cast<char>(point >= 'A' && point <= 'Z' ? point + ('a' - 'A') : point);
    } else if (point == kNotUtf8) {
      out += text[begin];
    } else {
      AppendUtf8(static_cast<char32_t>(towlower_l(static_cast<wint_t>(point), Unicode())), out);
    }
  }
  return out;
}

}  // namespace dml::steps
