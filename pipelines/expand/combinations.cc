#include "pipelines/expand/combinations.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/hash.h"
#include "pipelines/yaml/scalar.h"

namespace dml::pipelines {

namespace {

constexpr std::size_t kValueShownMax = 60;
// Every row of include and exclude is compared with every combination.
constexpr std::size_t kRowChecksMax = 20'000'000;

bool Equal(const Node& a, const Node& b) {
  if (&a == &b) return true;
  // Most comparisons of a large matrix end here.
  if (a.kind != b.kind) return false;
  if (a.is_scalar() && a.plain == b.plain && a.text == b.text) return true;
  return ToJson(a) == ToJson(b);
}

const Node* Bound(const Bindings& bindings, std::string_view key) {
  const auto found = std::ranges::find(bindings, key, &Binding::key);
  return found == bindings.end() ? nullptr : found->value;
}

bool HasAll(const Bindings& bindings, const Matrix::Row& row) {
  return std::ranges::all_of(row, [&](const auto& entry) {
    const Node* value = Bound(bindings, entry.first);
    return value != nullptr && Equal(*value, entry.second);
  });
}

// Whether a row contradicts no value of the matrix proper.
bool Agrees(const Matrix& matrix, const Bindings& bindings, const Matrix::Row& row) {
  return std::ranges::all_of(row, [&](const auto& entry) {
    const bool is_axis =
        std::ranges::find(matrix.axes, entry.first, &Axis::key) != matrix.axes.end();
    const Node* value = is_axis ? Bound(bindings, entry.first) : nullptr;
    return value == nullptr || Equal(*value, entry.second);
  });
}

void Set(Bindings& bindings, std::string_view key, const Node& value) {
  const auto known = std::ranges::find(bindings, key, &Binding::key);
  if (known != bindings.end()) {
    known->value = &value;
  } else {
    bindings.push_back({key, &value});
  }
}

void ApplyInclude(const Matrix& matrix, std::vector<Bindings>& combinations) {
  const std::size_t original = matrix.axes.empty() ? 0 : combinations.size();
  for (const Matrix::Row& row : matrix.include) {
    bool used = false;
    for (std::size_t i = 0; i < original; ++i) {
      if (!Agrees(matrix, combinations[i], row)) continue;
      for (const auto& [key, value] : row) Set(combinations[i], key, value);
      used = true;
    }
    if (used) continue;
    Bindings own;
    for (const auto& [key, value] : row) Set(own, key, value);
    combinations.push_back(std::move(own));
  }
}

// One character of UTF-8 at the front of `text`.
struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
};
Character First(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t bytes = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (bytes == 1 || bytes > text.size()) return {lead, 1};
  char32_t code = lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    code = code << 6U | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  return {code, bytes};
}

// Letters of any script; nothing that is invisible or turns the direction of writing.
bool IsGoodForNames(char32_t code) {
  if (code < 0x80) {
    const auto byte = static_cast<unsigned char>(code);
    return std::isalnum(byte) != 0 ||
           std::string_view("_.+-=,@:[]").find(static_cast<char>(byte)) != std::string_view::npos;
  }
  const bool unseen = code < 0xa1 || code == 0xad || (code >= 0x2000 && code <= 0x206f) ||
                      code == 0x3000 || code == 0xfeff || code >= 0xe0000;
  return !unseen;
}

void AppendValue(std::string& out, const Node& value) {
  const std::string text =
      value.is_scalar() || value.is_null() ? ScalarText(value) : CanonicalJson(ToJson(value));
  for (std::size_t at = 0; at < std::min(text.size(), kValueShownMax);) {
    const Character next = First(std::string_view(text).substr(at));
    out += IsGoodForNames(next.code) ? text.substr(at, next.bytes) : "_";
    at += next.bytes;
  }
  if (text.size() > kValueShownMax) out.append("-").append(Sha256::Of(text).Short());
}

}  // namespace

std::size_t CountCombinations(const Matrix& matrix) {
  std::size_t count = matrix.axes.empty() ? 0 : 1;
  for (const Axis& axis : matrix.axes) {
    if (!axis.values.empty() && count > kTasksMax / axis.values.size()) return kTasksMax + 1;
    count *= axis.values.size();
  }
  const std::size_t rows = matrix.include.size() + matrix.exclude.size();
  if (rows > 0 && count > kRowChecksMax / rows) return kTasksMax + 1;
  return std::min(count + matrix.include.size(), kTasksMax + 1);
}

std::vector<Bindings> Combine(const Matrix& matrix) {
  std::vector<Bindings> out;
  std::vector<std::size_t> index(matrix.axes.size(), 0);
  const bool empty = matrix.axes.empty() || std::ranges::any_of(matrix.axes, [](const Axis& a) {
                       return a.values.empty();
                     });
  while (!empty) {
    Bindings bindings;
    bindings.reserve(index.size());
    for (std::size_t i = 0; i < index.size(); ++i) {
      bindings.push_back({matrix.axes[i].key, &matrix.axes[i].values[index[i]]});
    }
    const bool excluded = std::ranges::any_of(
        matrix.exclude, [&](const Matrix::Row& row) { return HasAll(bindings, row); });
    if (!excluded) out.push_back(std::move(bindings));
    std::size_t axis = index.size();
    while (axis > 0 && ++index[axis - 1] == matrix.axes[axis - 1].values.size()) {
      index[--axis] = 0;
    }
    if (axis == 0) break;
  }
  ApplyInclude(matrix, out);
  return out;
}

std::vector<std::string> TaskNames(const std::string& step, const Matrix& matrix,
                                   const std::vector<Bindings>& combinations) {
  std::vector<std::string> names;
  names.reserve(combinations.size());
  std::unordered_set<std::string> taken;
  taken.reserve(matrix.is_foreach ? 0 : combinations.size());
  for (std::size_t i = 0; i < combinations.size(); ++i) {
    if (matrix.is_foreach) {
      names.push_back(fmt::format("{}[{}]", step, i));
      continue;
    }
    std::string name = step;
    char separator = '@';
    for (const Binding& binding : combinations[i]) {
      name += separator;
      name += binding.key;
      name += '=';
      AppendValue(name, *binding.value);
      separator = ',';
    }
    const std::string base = name;
    for (int copy = 2; !taken.insert(name).second; ++copy) {
      name = fmt::format("{}~{}", base, copy);
    }
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace dml::pipelines
