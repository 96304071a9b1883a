#include "plugins/table/csv/cell_scan.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/check.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace dml::table {

#if defined(__SSE2__)

const char* FindCellEnd(const char* at, const char* end, char delimiter, bool& non_ascii) {
  const __m128i delimiters = _mm_set1_epi8(delimiter);
  const __m128i line_feeds = _mm_set1_epi8('\n');
  const __m128i returns = _mm_set1_epi8('\r');
  const __m128i zeros = _mm_setzero_si128();
  for (; at < end; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i stops = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(bytes, delimiters), _mm_cmpeq_epi8(bytes, zeros)),
        _mm_or_si128(_mm_cmpeq_epi8(bytes, line_feeds), _mm_cmpeq_epi8(bytes, returns)));
    const auto stop_mask = static_cast<unsigned>(_mm_movemask_epi8(stops));
    const auto high_mask = static_cast<unsigned>(_mm_movemask_epi8(bytes));
    if (stop_mask == 0) {
      non_ascii |= high_mask != 0;
      continue;
    }
    const int position = std::countr_zero(stop_mask);
    non_ascii |= (high_mask & ((1U << position) - 1)) != 0;
    return at + position < end ? at + position : end;
  }
  return end;
}

#else

const char* FindCellEnd(const char* at, const char* end, char delimiter, bool& non_ascii) {
  for (; at < end; ++at) {
    if (*at == delimiter || *at == '\n' || *at == '\r' || *at == '\0') return at;
    non_ascii |= static_cast<unsigned char>(*at) > 127;
  }
  return end;
}

#endif

const char* FindLineEnd(const char* at, const char* end) {
  const auto size = static_cast<std::size_t>(end - at);
  const auto* feed = static_cast<const char*>(std::memchr(at, '\n', size));
  if (feed == nullptr) feed = end;
  const auto* carriage =
      static_cast<const char*>(std::memchr(at, '\r', static_cast<std::size_t>(feed - at)));
  return carriage == nullptr ? feed : carriage;
}

bool IsUtf8(std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  while (at < end) {
    if (*at < 0x80) {
      ++at;
      continue;
    }
    const int extra = *at >= 0xF0 ? 3 : *at >= 0xE0 ? 2 : 1;
    if (*at < 0xC2 || *at > 0xF4 || end - at <= extra) return false;
    // The second byte rules out overlong forms, surrogates and code points past U+10FFFF.
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (*at == 0xE0) low = 0xA0;
    if (*at == 0xED) high = 0x9F;
    if (*at == 0xF0) low = 0x90;
    if (*at == 0xF4) high = 0x8F;
    if (at[1] < low || at[1] > high) return false;
    for (int i = 2; i <= extra; ++i) {
      if (at[i] < 0x80 || at[i] > 0xBF) return false;
    }
    at += extra + 1;
  }
  return true;
}

namespace {

bool HasHighByte(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) > 127) return true;
  }
  return false;
}

// `at` is past the opening quote.
Cell ScanQuoted(const char* at, const char* end, const Dialect& dialect, std::string& scratch) {
  Cell cell;
  cell.quoted = true;
  const char* piece = at;
  bool doubled = false;
  while (true) {
    const auto* quote = static_cast<const char*>(
        std::memchr(at, dialect.quote, static_cast<std::size_t>(end - at)));
    if (quote == nullptr) {
      cell.error = ScanError::kUnclosedQuote;
      cell.next = end;
      return cell;
    }
    at = quote + 1;
    if (at < end && *at == dialect.quote) {
      if (!doubled) scratch.clear();
      doubled = true;
      scratch.append(piece, at);
      piece = ++at;
      continue;
    }
    if (doubled) scratch.append(piece, quote);
    cell.text = doubled ? std::string_view(scratch)
                        : std::string_view(piece, static_cast<std::size_t>(quote - piece));
    break;
  }
  while (*at == ' ' && !AtDelimiter(at, dialect)) ++at;
  cell.next = at;
  cell.non_ascii = HasHighByte(cell.text);
  if (cell.text.find('\0') != std::string_view::npos) cell.error = ScanError::kNulByte;
  if (!AtRecordEnd(at, end) && !AtDelimiter(at, dialect)) cell.error = ScanError::kTextAfterQuote;
  return cell;
}

}  // namespace

Cell ScanCell(const char* at, const char* end, const Dialect& dialect, std::string& scratch) {
  const char* begin = at;
  if (dialect.trim) {
    while (*begin == ' ' && !AtDelimiter(begin, dialect)) ++begin;
  }
  if (dialect.has_quote && *begin == dialect.quote && begin < end) {
    return ScanQuoted(begin + 1, end, dialect, scratch);
  }
  Cell cell;
  const char* stop = begin;
  while (true) {
    stop = FindCellEnd(stop, end, dialect.delimiter[0], cell.non_ascii);
    if (stop >= end || *stop == '\n' || *stop == '\r' || AtDelimiter(stop, dialect)) break;
    if (*stop == '\0') {
      cell.error = ScanError::kNulByte;
      break;
    }
    ++stop;  // the first character of a longer delimiter, as text
  }
  cell.next = stop;
  cell.text = {begin, static_cast<std::size_t>(stop - begin)};
  if (dialect.trim) cell.text = StripSpaces(cell.text);
  return cell;
}

ScanComplaint ComplaintOf(ScanError error) {
  switch (error) {
    case ScanError::kNone:
      break;
    case ScanError::kNulByte:
      return {"has a NUL byte", "remove it; a text file holds none"};
    case ScanError::kTextAfterQuote:
      return {"has text after its closing quote",
              "end the field there, double the quotes inside it, or set quote: none"};
    case ScanError::kUnclosedQuote:
      return {"opens a quote that is never closed",
              "close it, or set quote: none if quotes are plain characters"};
  }
  DML_UNREACHABLE("only errors are complained about");
}

}  // namespace dml::table
