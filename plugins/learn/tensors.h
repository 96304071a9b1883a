#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "plugins/learn/predictor.h"

namespace dml::learn {

// Doubles as a tensor of a model file, and back. `shape` multiplies to values.size().
inline OwnedTensor MakeTensor(std::string name, std::vector<std::int64_t> shape,
                              const std::vector<double>& values) {
  OwnedTensor out{std::move(name), TensorType::kF64, std::move(shape), {}};
  const auto bytes = std::as_bytes(std::span(values));
  out.data.assign(bytes.begin(), bytes.end());
  return out;
}

// The tensor `name` of `size` doubles; kInvalid when the file does not hold that.
inline Result<std::vector<double>> TakeTensor(const TensorFile& file, const std::string& name,
                                              std::size_t size) {
  DML_TRY(const TensorView* view, file.Get(name, TensorType::kF64));
  const auto values = view->As<double>();
  if (values.size() != size) {
    return Error::Invalid("the tensor '" + name + "' of the model does not have the stated size",
                          "the file is damaged: train the model again");
  }
  return std::vector<double>(values.begin(), values.end());
}

}  // namespace dml::learn
