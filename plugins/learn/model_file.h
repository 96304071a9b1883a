#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "plugins/learn/predictor.h"

namespace dml::learn {

// A complete model: everything that is needed to score raw rows, and what is known about the fit.
// The layout on disk is in docs/formats.md. The Json members are opaque here: the step that trains
// writes them, the step that predicts reads them.
struct Model {
  std::unique_ptr<Predictor> predictor;
  std::string target;                      // the column that was predicted; may be empty
  Json schema = Json::array();             // the columns of the raw table
  Json preprocessing = Json::array();      // fitted preprocessing, in order
  std::vector<std::string> classes;        // labels by class index; empty unless classifying
  std::vector<std::string> feature_names;  // what the predictor sees, in order
  Certificate certificate;
  Json metrics = Json::object();  // such as those of cross-validation
  Json params = Json::object();   // those of the step that trained it
};

// Writes one safetensors file; equal models give equal bytes. Notes the arithmetic of this machine.
Result<void> WriteModelFile(const std::string& path, const Model& model);

// A model read back. `arithmetic` is that of the machine that trained it.
struct LoadedModel {
  Model model;
  std::string arithmetic;
};

// kInvalid for files that are not models, damaged, or of a newer format.
Result<LoadedModel> ReadModelFile(const std::string& path);

}  // namespace dml::learn
