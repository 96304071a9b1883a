#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/param_spec.h"

// How C++ member types map to parameter types: the spec they imply, how they are read from bound
// Json, and how a default is shown. Bound Json was checked against the spec, so reading cannot
// fail.

namespace dml::plugins {

// Strong types for members whose meaning a plain string would hide.
struct ColumnName {
  std::string name;
  [[nodiscard]] bool empty() const { return name.empty(); }
};
// Names, or exactly one of the selectors "numeric", "categorical", "text", "all".
struct Columns {
  std::string selector;
  std::vector<std::string> names;
};
struct Expression {
  std::string sql;
};
struct InputPath {
  std::string path;  // absolute; may hold a glob
};
struct OutputPath {
  std::string path;
};
struct Bytes {
  std::int64_t count = 0;
};

template <typename T>
struct ParamCodec;

template <>
struct ParamCodec<bool> {
  static void Describe(ParamSpec& spec) { spec.type = ParamType::kBool; }
  static bool Read(const Json& json) { return json.get<bool>(); }
  static Json Show(bool value) { return value; }
};

template <std::integral T>
struct ParamCodec<T> {
  static void Describe(ParamSpec& spec) { spec.type = ParamType::kInt; }
  static T Read(const Json& json) { return json.get<T>(); }
  static Json Show(T value) { return value; }
};

template <>
struct ParamCodec<double> {
  static void Describe(ParamSpec& spec) { spec.type = ParamType::kFloat; }
  static double Read(const Json& json) { return json.get<double>(); }
  static Json Show(double value) { return value; }
};

template <>
struct ParamCodec<std::string> {
  static void Describe(ParamSpec& spec) { spec.type = ParamType::kString; }
  static std::string Read(const Json& json) { return json.get<std::string>(); }
  static Json Show(const std::string& value) { return value.empty() ? Json() : Json(value); }
};

template <>
struct ParamCodec<ColumnName> {
  static void Describe(ParamSpec& spec) { spec.type = ParamType::kColumn; }
  static ColumnName Read(const Json& json) { return {json.get<std::string>()}; }
  static Json Show(const ColumnName& value) {
    return value.name.empty() ? Json() : Json(value.name);
  }
};

template <>
struct ParamCodec<Columns> {
  static void Describe(ParamSpec& spec) { spec.type = ParamType::kColumns; }
  static Columns Read(const Json& json) {
    if (json.is_string()) return {json.get<std::string>(), {}};
    return {{}, json.get<std::vector<std::string>>()};
  }
  static Json Show(const Columns& value) {
    if (!value.selector.empty()) return value.selector;
    return value.names.empty() ? Json() : Json(value.names);
  }
};

template <>
struct ParamCodec<Expression> {
  static void Describe(ParamSpec& spec) { spec.type = ParamType::kExpression; }
  static Expression Read(const Json& json) { return {json.get<std::string>()}; }
  static Json Show(const Expression&) { return {}; }
};

template <>
struct ParamCodec<InputPath> {
  static void Describe(ParamSpec& spec) { spec.type = ParamType::kPath; }
  static InputPath Read(const Json& json) { return {json.get<std::string>()}; }
  static Json Show(const InputPath&) { return {}; }
};

template <>
struct ParamCodec<OutputPath> {
  static void Describe(ParamSpec& spec) { spec.type = ParamType::kOutputPath; }
  static OutputPath Read(const Json& json) { return {json.get<std::string>()}; }
  static Json Show(const OutputPath&) { return {}; }
};

template <>
struct ParamCodec<Duration> {
  static void Describe(ParamSpec& spec) { spec.type = ParamType::kDuration; }
  static Duration Read(const Json& json) { return {json.get<std::int64_t>()}; }
  static Json Show(Duration value) { return value.ns; }
};

template <>
struct ParamCodec<Bytes> {
  static void Describe(ParamSpec& spec) { spec.type = ParamType::kSize; }
  static Bytes Read(const Json& json) { return {json.get<std::int64_t>()}; }
  static Json Show(Bytes value) { return value.count; }
};

template <>
struct ParamCodec<Json> {
  static void Describe(ParamSpec& spec) { spec.type = ParamType::kAny; }
  static Json Read(const Json& json) { return json; }
  static Json Show(const Json& value) { return value; }
};

template <typename T>
struct ParamCodec<std::optional<T>> {
  static void Describe(ParamSpec& spec) { ParamCodec<T>::Describe(spec); }
  static std::optional<T> Read(const Json& json) { return ParamCodec<T>::Read(json); }
  static Json Show(const std::optional<T>& value) {
    return value ? ParamCodec<T>::Show(*value) : Json();
  }
};

template <typename T>
struct ParamCodec<std::vector<T>> {
  static void Describe(ParamSpec& spec) {
    spec.type = ParamType::kList;
    ParamCodec<T>::Describe(spec.element.emplace_back());
  }
  static std::vector<T> Read(const Json& json) {
    std::vector<T> out;
    for (const Json& item : json) out.push_back(ParamCodec<T>::Read(item));
    return out;
  }
  static Json Show(const std::vector<T>& value) {
    Json out = Json::array();
    for (const T& item : value) out.push_back(ParamCodec<T>::Show(item));
    return value.empty() ? Json() : out;
  }
};

template <typename T>
struct ParamCodec<std::map<std::string, T>> {
  static void Describe(ParamSpec& spec) {
    spec.type = ParamType::kMap;
    ParamCodec<T>::Describe(spec.element.emplace_back());
  }
  static std::map<std::string, T> Read(const Json& json) {
    std::map<std::string, T> out;
    for (const auto& [key, value] : json.items()) out.emplace(key, ParamCodec<T>::Read(value));
    return out;
  }
  static Json Show(const std::map<std::string, T>& value) {
    Json out = Json::object();
    for (const auto& [key, item] : value) out[key] = ParamCodec<T>::Show(item);
    return value.empty() ? Json() : out;
  }
};

// A mapping in the order in which it is written. Also read from a JSON object, in its order.
template <typename T>
struct ParamCodec<std::vector<std::pair<std::string, T>>> {
  static void Describe(ParamSpec& spec) {
    ParamCodec<std::map<std::string, T>>::Describe(spec);
    spec.ordered = true;
  }
  static std::vector<std::pair<std::string, T>> Read(const Json& json) {
    std::vector<std::pair<std::string, T>> out;
    for (const auto& [key, value] : json.items()) {
      if (json.is_object()) {
        out.emplace_back(key, ParamCodec<T>::Read(value));
      } else {
        out.emplace_back(value.at(0).template get<std::string>(), ParamCodec<T>::Read(value.at(1)));
      }
    }
    return out;
  }
  static Json Show(const std::vector<std::pair<std::string, T>>&) { return {}; }
};

}  // namespace dml::plugins
