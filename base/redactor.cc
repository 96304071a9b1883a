#include "base/redactor.h"

#include <algorithm>

namespace dml {

namespace {

constexpr std::string_view kBlot = "***";

// A line of a secret that is shorter than this says nothing, and would blot out half of a log.
constexpr std::size_t kLineMin = 4;

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

Redactor::Redactor(const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    const std::string_view whole = Trimmed(secret);
    if (whole.empty()) continue;
    words_.emplace_back(whole);
    for (std::size_t at = 0; at < whole.size();) {
      const std::size_t end = std::min(whole.find('\n', at), whole.size());
      const std::string_view line = Trimmed(whole.substr(at, end - at));
      if (line.size() >= kLineMin) words_.emplace_back(line);
      at = end + 1;
    }
  }
  std::ranges::sort(words_, [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  // Not std::ranges::unique: clang 14 cannot compile it with libstdc++ 12.
  words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
  for (const std::string& word : words_) firsts_ += word.front();
}

std::string Redactor::operator()(std::string_view text) const {
  std::string pending(text);
  std::string out;
  Stream(pending, /*last=*/true, out);
  return out;
}

void Redactor::Stream(std::string& pending, bool last, std::string& out) const {
  std::size_t at = 0;
  while (at < pending.size()) {
    const std::size_t next = std::min(pending.find_first_of(firsts_, at), pending.size());
    out.append(pending, at, next - at);
    at = next;
    if (at == pending.size()) break;
    const std::string_view rest = std::string_view(pending).substr(at);
    const auto begins = [&](const std::string& word) { return rest.starts_with(word); };
    // A longer secret could still turn out to be here: it is to be blotted out as a whole.
    const auto may_begin = [&](const std::string& word) {
      return rest.size() < word.size() && std::string_view(word).starts_with(rest);
    };
    if (!last && std::ranges::any_of(words_, may_begin)) break;
    if (const auto word = std::ranges::find_if(words_, begins); word != words_.end()) {
      out += kBlot;
      at += word->size();
    } else {
      out += rest.front();
      ++at;
    }
  }
  pending.erase(0, at);
}

void Redactor::Redact(Json& value) const {
  if (idle()) return;
  if (value.is_string()) {
    value = (*this)(value.get_ref<const std::string&>());
  } else if (value.is_array()) {
    for (Json& item : value) Redact(item);
  } else if (value.is_object()) {
    Json clean = Json::object();
    for (auto& [key, item] : value.items()) {
      Redact(item);
      clean[(*this)(key)] = std::move(item);
    }
    value = std::move(clean);
  }
}

}  // namespace dml
