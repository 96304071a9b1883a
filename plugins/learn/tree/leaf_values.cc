#include "plugins/learn/tree/leaf_values.h"

#include <algorithm>
#include <string>
#include <utility>

namespace dml::learn {

namespace {

template <typename T>
OwnedTensor LeafTensor(std::string name, TensorType type, std::vector<std::int64_t> shape,
                       const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {std::move(name), type, std::move(shape), {bytes.begin(), bytes.end()}};
}

Error DamagedLeaves() {
  return Error::Invalid("the model file is damaged: its leaves do not hang together",
                        "train the model again");
}

}  // namespace

std::size_t LeafValues::bytes() const {
  return values_.size() * sizeof(double) + classes_.size() * sizeof(std::uint32_t) +
         starts_.size() * sizeof(std::int64_t);
}

void LeafValues::Add(std::span<const double> values) {
  if (keeps_all()) {
    values_.insert(values_.end(), values.begin(), values.end());
    return;
  }
  for (std::size_t c = 0; c < values.size(); ++c) {
    if (values[c] == 0.0) continue;
    values_.push_back(values[c]);
    classes_.push_back(static_cast<std::uint32_t>(c));
  }
  starts_.push_back(static_cast<std::int64_t>(values_.size()));
}

void LeafValues::Add(const LeafValues& others, std::size_t leaf) {
  std::vector<double> values(outputs_, 0.0);
  others.AddTo(leaf, values.data());
  Add(values);
}

void LeafValues::Append(const LeafValues& others) {
  const auto before = static_cast<std::int64_t>(values_.size());
  values_.insert(values_.end(), others.values_.begin(), others.values_.end());
  if (keeps_all()) return;
  classes_.insert(classes_.end(), others.classes_.begin(), others.classes_.end());
  for (std::size_t leaf = 0; leaf < others.size(); ++leaf) {
    starts_.push_back(before + others.starts_[leaf + 1]);
  }
}

void LeafValues::Save(std::vector<OwnedTensor>& tensors) const {
  const auto count = static_cast<std::int64_t>(values_.size());
  if (keeps_all()) {
    const auto outputs = static_cast<std::int64_t>(outputs_);
    tensors.push_back(
        LeafTensor("leaf_values", TensorType::kF64, {count / outputs, outputs}, values_));
    return;
  }
  tensors.push_back(LeafTensor("leaf_values", TensorType::kF64, {count}, values_));
  tensors.push_back(LeafTensor("leaf_classes", TensorType::kU32, {count}, classes_));
  tensors.push_back(LeafTensor("leaf_starts", TensorType::kI64,
                               {static_cast<std::int64_t>(starts_.size())}, starts_));
}

Result<LeafValues> LeafValues::Load(std::size_t outputs, const TensorFile& file) {
  LeafValues out(outputs);
  DML_TRY(const TensorView* view, file.Get("leaf_values", TensorType::kF64));
  const auto values = view->As<double>();
  if (out.keeps_all() || file.Find("leaf_starts") == nullptr) {
    if (values.size() % outputs != 0) return DamagedLeaves();
    for (std::size_t at = 0; at < values.size(); at += outputs) {
      out.Add(values.subspan(at, outputs));
    }
    return out;
  }
  DML_TRY(const TensorView* starts, file.Get("leaf_starts", TensorType::kI64));
  DML_TRY(const TensorView* classes, file.Get("leaf_classes", TensorType::kU32));
  out.values_.assign(values.begin(), values.end());
  out.classes_.assign(classes->As<std::uint32_t>().begin(), classes->As<std::uint32_t>().end());
  out.starts_.assign(starts->As<std::int64_t>().begin(), starts->As<std::int64_t>().end());
  const bool whole =
      !out.starts_.empty() && out.starts_.front() == 0 &&
      out.starts_.back() == static_cast<std::int64_t>(values.size()) &&
      out.classes_.size() == values.size() && std::ranges::is_sorted(out.starts_) &&
      std::ranges::all_of(out.classes_, [=](std::uint32_t c) { return c < outputs; });
  if (!whole) return DamagedLeaves();
  return out;
}

}  // namespace dml::learn
