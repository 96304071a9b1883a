#include "plugins/learn/predictor.h"

#include "plugins/learn/cluster/kmeans.h"
#include "plugins/learn/decomposition/pca.h"
#include "plugins/learn/linear/least_squares.h"
#include "plugins/learn/linear/logistic_regression.h"
#include "plugins/learn/tree/tree_predictor.h"

namespace dml::learn {

std::string_view ModelTaskName(ModelTask task) {
  switch (task) {
    case ModelTask::kRegression:
      return "regression";
    case ModelTask::kClassification:
      return "classification";
    case ModelTask::kClustering:
      return "clustering";
    case ModelTask::kTransform:
      return "transform";
  }
  DML_UNREACHABLE("every task has a name");
}

Json Certificate::ToJson() const {
  return {{"converged", converged},   {"stopped_because", stopped_because},
          {"iterations", iterations}, {"objective_history", objective_history},
          {"numbers", numbers},       {"warnings", warnings}};
}

Result<std::unique_ptr<Predictor>> LoadPredictor(std::string_view kind, const Json& header,
                                                 const TensorFile& file) {
  try {
    if (kind == "linear_regression" || kind == "ridge") {
      return LoadLinear(kind, header, file);
    }
    if (kind == "logistic_regression") return LoadLogistic(header, file);
    if (kind == "kmeans") return LoadKMeans(header, file);
    if (kind == "pca") return LoadPca(header, file);
    if (kind == "decision_tree" || kind == "random_forest") {
      return LoadTreePredictor(kind, header, file);
    }
  } catch (const Json::exception& failure) {
    return Error::Invalid(std::string("the header of the model is damaged: ") + failure.what(),
                          "train the model again");
  }
  return Error::Invalid(
      "this version of dml does not know the model kind '" + std::string(kind) + "'",
      "use the version of dml that wrote the model, or a newer one");
}

}  // namespace dml::learn
