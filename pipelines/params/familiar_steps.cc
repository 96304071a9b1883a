#include "pipelines/params/familiar_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace dml::pipelines {

namespace {

struct FamiliarStep {
  std::string_view name;  // in lower case, without `_` and `-`
  std::string_view here;  // step type or transform; "" if `advice` says all
  std::string_view advice = {};
};

constexpr std::string_view kNoBoosting = "there are no boosted trees";
constexpr std::string_view kNoMargins = "there are no support vector machines";
constexpr std::string_view kNoNeighbours = "there are no nearest neighbours";
constexpr std::string_view kNoNetworks = "there are no neural networks";
constexpr std::string_view kNoBayes = "there is no naive Bayes";
constexpr std::string_view kNoSparsity = "there is no L1 penalty";
constexpr std::string_view kOneClustering = "k-means is the only clustering";
constexpr std::string_view kGrid =
    "write matrix: {C: [0.1, 1]} and validate: {folds: 5} in the train step; a step with uses: "
    "select.best keeps the best";
constexpr std::string_view kFolds = "write validate: {folds: 5} in the train step";

constexpr std::array kFamiliarSteps = std::to_array<FamiliarStep>({
    {"standardscaler", "standardize"},
    {"scaler", "standardize"},
    {"scale", "standardize"},
    {"minmaxscaler", "min_max"},
    {"robustscaler", "robust"},
    {"normalizer", "normalize"},
    {"simpleimputer", "impute"},
    {"fillna", "impute"},
    {"onehotencoder", "one_hot"},
    {"getdummies", "one_hot"},
    {"ordinalencoder", "ordinal"},
    {"labelencoder", "ordinal"},
    {"kbinsdiscretizer", "bin"},
    {"discretize", "bin"},
    {"polynomialfeatures", "polynomial"},
    {"tfidfvectorizer", "tfidf"},
    {"countvectorizer", "count_vectorizer"},
    {"hashingvectorizer", "hashing"},
    {"functiontransformer", "derive"},
    {"assign", "derive"},
    {"astype", "cast"},
    {"dropna", "drop_missing"},
    {"log1p", "log"},
    {"pca", "train.pca"},
    {"pca", "", "train.pca is a step of its own, whose components a step `predict` adds"},
    {"groupby", "aggregate"},
    {"merge", "join"},
    {"dropduplicates", "deduplicate"},
    {"traintestsplit", "split.train_test"},
    {"stratifiedkfold", "split.kfold"},
    {"groupkfold", "split.kfold"},
    {"timeseriessplit", "split.kfold"},
    {"gridsearchcv", "", kGrid},
    {"gridsearch", "", kGrid},
    {"randomizedsearchcv", "", kGrid},
    {"crossvalscore", "", kFolds},
    {"crossvalidate", "", kFolds},
    {"readcsv", "load.csv"},
    {"readsql", "load.sqlite"},
    {"ols", "train.linear_regression"},
    {"linearregression", "train.linear_regression"},
    {"logisticregression", "train.logistic_regression"},
    {"decisiontreeclassifier", "train.decision_tree"},
    {"decisiontreeregressor", "train.decision_tree"},
    {"randomforestclassifier", "train.random_forest"},
    {"randomforestregressor", "train.random_forest"},
    {"extratrees", "train.random_forest", "there are no extra trees"},
    {"lasso", "train.ridge", kNoSparsity},
    {"elasticnet", "train.ridge", kNoSparsity},
    {"svm", "train.logistic_regression", kNoMargins},
    {"svc", "train.logistic_regression", kNoMargins},
    {"linearsvc", "train.logistic_regression", kNoMargins},
    {"svr", "train.ridge", kNoMargins},
    {"knn", "train.random_forest", kNoNeighbours},
    {"kneighborsclassifier", "train.random_forest", kNoNeighbours},
    {"kneighborsregressor", "train.random_forest", kNoNeighbours},
    {"naivebayes", "train.logistic_regression", kNoBayes},
    {"multinomialnb", "train.logistic_regression", kNoBayes},
    {"gaussiannb", "train.logistic_regression", kNoBayes},
    {"xgboost", "train.random_forest", kNoBoosting},
    {"xgbclassifier", "train.random_forest", kNoBoosting},
    {"xgbregressor", "train.random_forest", kNoBoosting},
    {"lightgbm", "train.random_forest", kNoBoosting},
    {"catboost", "train.random_forest", kNoBoosting},
    {"gradientboosting", "train.random_forest", kNoBoosting},
    {"gradientboostingclassifier", "train.random_forest", kNoBoosting},
    {"gradientboostingregressor", "train.random_forest", kNoBoosting},
    {"histgradientboostingclassifier", "train.random_forest", kNoBoosting},
    {"histgradientboostingregressor", "train.random_forest", kNoBoosting},
    {"mlp", "train.random_forest", kNoNetworks},
    {"mlpclassifier", "train.random_forest", kNoNetworks},
    {"mlpregressor", "train.random_forest", kNoNetworks},
    {"neuralnetwork", "train.random_forest", kNoNetworks},
    {"dbscan", "train.kmeans", kOneClustering},
    {"gaussianmixture", "train.kmeans", kOneClustering},
    {"agglomerativeclustering", "train.kmeans", kOneClustering},
});

// "train.Random-Forest" -> "randomforest".
std::string Bare(std::string_view name) {
  std::string out;
  for (const char c : name.substr(name.rfind('.') + 1)) {
    if (c != '_' && c != '-') out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

// What `here` is called among the names: a transform is a step as well, `preprocess.<here>`.
std::string NameAmong(std::string_view here, std::string_view written,
                      std::span<const std::string> names) {
  const std::string step = fmt::format("preprocess.{}", here);
  const bool as_step = written.starts_with("preprocess.");
  for (const std::string& name : {as_step ? step : std::string(here), std::string(here), step}) {
    if (std::ranges::find(names, name) != names.end()) return name;
  }
  return {};
}

}  // namespace

std::string HintForFamiliarStep(std::string_view name, std::span<const std::string> names) {
  const std::string bare = Bare(name);
  for (const FamiliarStep& familiar : kFamiliarSteps) {
    if (familiar.name != bare) continue;
    if (familiar.here.empty()) return std::string(familiar.advice);
    const std::string here = NameAmong(familiar.here, name, names);
    if (here.empty()) continue;
    if (familiar.advice.empty()) return fmt::format("here it is '{}'", here);
    return fmt::format("{}; the nearest is '{}', and run: takes any command", familiar.advice,
                       here);
  }
  return {};
}

}  // namespace dml::pipelines
