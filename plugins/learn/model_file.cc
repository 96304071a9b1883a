#include "plugins/learn/model_file.h"

#include <fmt/format.h>

#include <string_view>

#include "plugins/learn/kernels/dense.h"

namespace dml::learn {

namespace {

constexpr std::string_view kFormat = "dml.model";
constexpr int kVersion = 1;

Certificate CertificateFrom(const Json& json) {
  Certificate out;
  out.converged = json.at("converged").get<bool>();
  out.stopped_because = json.at("stopped_because").get<std::string>();
  out.iterations = json.at("iterations").get<int>();
  out.objective_history = json.at("objective_history").get<std::vector<double>>();
  out.numbers = json.at("numbers");
  out.warnings = json.at("warnings").get<std::vector<std::string>>();
  return out;
}

Result<LoadedModel> FromHeader(const Json& header, const TensorFile& file) {
  if (!header.is_object() || header.value("format", "") != kFormat) {
    return Error::Invalid("the file is not a model of dml",
                          "give the model that a train step wrote");
  }
  if (header.at("version").get<int>() > kVersion) {
    return Error::Invalid("the model was written by a newer version of dml", "update dml");
  }
  LoadedModel out;
  Model& model = out.model;
  out.arithmetic = header.at("arithmetic").get<std::string>();
  model.target = header.at("target").get<std::string>();
  model.schema = header.at("schema");
  model.preprocessing = header.at("preprocessing");
  model.classes = header.at("classes").get<std::vector<std::string>>();
  model.feature_names = header.at("feature_names").get<std::vector<std::string>>();
  model.certificate = CertificateFrom(header.at("certificate"));
  model.metrics = header.at("metrics");
  model.params = header.value("params", Json::object());
  DML_TRY(model.predictor,
          LoadPredictor(header.at("kind").get<std::string>(), header.at("predictor"), file));
  if (model.predictor->task() == ModelTask::kClassification &&
      model.predictor->outputs() != model.classes.size()) {
    return Error::Invalid(
        fmt::format("the model file is damaged: it names {} classes and predicts {}",
                    model.classes.size(), model.predictor->outputs()),
        "train the model again");
  }
  return out;
}

}  // namespace

Result<void> WriteModelFile(const std::string& path, const Model& model) {
  Json parts = Json::object();
  std::vector<OwnedTensor> tensors;
  model.predictor->Save(parts, tensors);
  const Json header{{"format", kFormat},
                    {"version", kVersion},
                    {"kind", model.predictor->kind()},
                    {"task", ModelTaskName(model.predictor->task())},
                    {"predictor", parts},
                    {"target", model.target},
                    {"schema", model.schema},
                    {"preprocessing", model.preprocessing},
                    {"classes", model.classes},
                    {"feature_names", model.feature_names},
                    {"certificate", model.certificate.ToJson()},
                    {"metrics", model.metrics},
                    {"params", model.params},
                    {"arithmetic", Arithmetic()}};
  std::vector<TensorBuffer> buffers;
  for (const OwnedTensor& t : tensors) buffers.push_back({t.name, t.type, t.shape, t.data});
  return WriteTensorFile(path, header, buffers);
}

Result<LoadedModel> ReadModelFile(const std::string& path) {
  DML_TRY(const std::shared_ptr<const TensorFile> file, TensorFile::Open(path));
  try {
    Result<LoadedModel> model = FromHeader(file->metadata(), *file);
    if (!model.ok()) return std::move(model).error().At(path);
    return model;
  } catch (const Json::exception& failure) {
    return Error::Invalid(std::string("the header of the model is damaged: ") + failure.what(),
                          "train the model again")
        .At(path);
  }
}

}  // namespace dml::learn
