#include "plugins/learn/tree/tree_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace dml::learn {

namespace {

constexpr int kBinsMax = 255;  // a bin is one byte, and one code is kept for missing values

Result<void> Require(bool holds, std::string_view name, std::string_view bounds) {
  if (holds) return {};
  return Error::Invalid(fmt::format("{} must be {}", name, bounds));
}

}  // namespace

std::size_t MaxFeatures::Of(std::size_t features) const {
  const auto p = static_cast<double>(features);
  double wanted = p;
  switch (kind) {
    case Kind::kAll:
      break;
    case Kind::kSqrt:
      wanted = std::sqrt(p);
      break;
    case Kind::kLog2:
      wanted = std::log2(p);
      break;
    case Kind::kCount:
      wanted = value;
      break;
    case Kind::kFraction:
      wanted = value * p;
      break;
  }
  return static_cast<std::size_t>(std::clamp(std::floor(wanted), 1.0, std::max(p, 1.0)));
}

Result<MaxFeatures> MaxFeatures::Parse(std::string_view text) {
  if (text == "sqrt") return MaxFeatures{Kind::kSqrt, 0.0};
  if (text == "log2") return MaxFeatures{Kind::kLog2, 0.0};
  if (text == "none" || text == "all") return MaxFeatures{Kind::kAll, 0.0};
  double number = 0.0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = text.find_first_of(".eE") == std::string_view::npos;
  const bool number_only = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  if (number_only && whole && number >= 1) return MaxFeatures{Kind::kCount, number};
  if (number_only && !whole && number > 0 && number <= 1) {
    return MaxFeatures{Kind::kFraction, number};
  }
  return Error::Invalid(fmt::format("max_features cannot be '{}'", text),
                        "use sqrt, log2, none, a whole number from 1, or a fraction such as 0.3");
}

Result<void> CheckMaxFeatures(const std::optional<MaxFeatures>& wanted, std::size_t features) {
  if (!wanted || wanted->kind != MaxFeatures::Kind::kCount) return {};
  if (wanted->value <= static_cast<double>(features)) return {};
  return Error::Invalid(
      fmt::format("max_features is {}, but there are {} features", wanted->value, features),
      "lower it, or use all, sqrt or a share such as 0.5");
}

std::size_t MaxSamples::Of(std::size_t rows) const {
  const auto n = static_cast<double>(rows);
  const double wanted = kind == Kind::kCount ? value : std::nearbyint(value * n);
  return static_cast<std::size_t>(std::clamp(wanted, 1.0, std::max(n, 1.0)));
}

Result<void> CheckMaxSamples(const std::optional<MaxSamples>& wanted, std::size_t rows) {
  if (!wanted || wanted->kind != MaxSamples::Kind::kCount) return {};
  if (wanted->value <= static_cast<double>(rows)) return {};
  return Error::Invalid(
      fmt::format("max_samples is {}, but there are {} rows", wanted->value, rows),
      "lower it, or use a share such as 0.5");
}

Result<void> CheckTreeOptions(const TreeOptions& o, std::size_t classes) {
  const bool squared = o.criterion == SplitCriterion::kSquaredError;
  if (o.criterion && squared != (classes == 0)) {
    return Error::Invalid(squared ? "squared_error is a criterion of regression"
                                  : "gini and entropy are criteria of classification",
                          classes == 0 ? "use squared_error" : "use gini or entropy");
  }
  DML_RETURN_IF_ERROR(Require(!o.max_depth || *o.max_depth >= 1, "max_depth", "at least 1"));
  DML_RETURN_IF_ERROR(Require(o.min_samples_split >= 2, "min_samples_split", "at least 2"));
  DML_RETURN_IF_ERROR(Require(o.min_samples_leaf >= 1, "min_samples_leaf", "at least 1"));
  DML_RETURN_IF_ERROR(
      Require(!o.max_leaf_nodes || *o.max_leaf_nodes >= 2, "max_leaf_nodes", "at least 2"));
  DML_RETURN_IF_ERROR(Require(o.min_impurity_decrease >= 0, "min_impurity_decrease", "at least 0"));
  DML_RETURN_IF_ERROR(
      Require(o.ccp_alpha >= 0 && std::isfinite(o.ccp_alpha), "ccp_alpha", "at least 0"));
  DML_RETURN_IF_ERROR(
      Require(o.max_bins >= 2 && o.max_bins <= kBinsMax, "max_bins", "from 2 to 255"));
  if (o.class_weight != ClassWeighting::kNone && classes == 0) {
    return Error::Invalid("class_weight is a parameter of classification");
  }
  if (o.class_weight != ClassWeighting::kGiven) return {};
  DML_RETURN_IF_ERROR(Require(o.class_weights.size() == classes, "class_weight",
                              fmt::format("given for all {} classes", classes)));
  const bool positive = std::ranges::all_of(
      o.class_weights, [](double weight) { return weight > 0 && std::isfinite(weight); });
  return Require(positive, "class_weight", "a positive number for every class");
}

Result<void> CheckForestOptions(const ForestOptions& o, std::size_t classes) {
  DML_RETURN_IF_ERROR(CheckTreeOptions(o.tree, classes));
  DML_RETURN_IF_ERROR(Require(o.n_estimators >= 1, "n_estimators", "at least 1"));
  const bool share = o.max_samples && o.max_samples->kind == MaxSamples::Kind::kShare;
  DML_RETURN_IF_ERROR(
      Require(!o.max_samples || (o.max_samples->value > 0 && (!share || o.max_samples->value <= 1)),
              "max_samples", "a number of at least 1, or a share in (0, 1]"));
  if (o.bootstrap) return {};
  DML_RETURN_IF_ERROR(Require(!o.max_samples, "max_samples", "left out without bootstrap"));
  return Require(!o.oob_score, "oob_score", "false without bootstrap: no row is out of the bag");
}

}  // namespace dml::learn
