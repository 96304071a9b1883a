#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>

#include "base/disk_space.h"
#include "base/files.h"
#include "base/suggest.h"
#include "plugins/api/panel.h"
#include "plugins/learn/metrics/metric_registry.h"
#include "plugins/learn/model_file.h"
#include "plugins/steps/evaluation/evaluate.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"

namespace dml::steps {

namespace {

enum class Direction { kAuto, kMax, kMin };

struct SelectParams {
  std::string metric;
  Direction mode = Direction::kAuto;
};

// Paths of all numbers in nested metrics, as users write them: "cv.roc_auc".
void ListNumbers(const Json& metrics, const std::string& prefix, std::vector<std::string>& names) {
  for (const auto& [key, value] : metrics.items()) {
    if (value.is_number()) names.push_back(prefix + key);
    if (value.is_object()) ListNumbers(value, prefix + key + ".", names);
  }
}

std::optional<double> FindNumber(const Json& metrics, std::string_view path) {
  const Json* at = &metrics;
  while (true) {
    const std::size_t dot = path.find('.');
    const auto found = at->find(std::string(path.substr(0, dot)));
    if (found == at->end()) return std::nullopt;
    at = &*found;
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  if (!at->is_number()) return std::nullopt;
  return at->get<double>();
}

// What is better, by the name after the last dot.
Result<bool> GreaterIsBetter(const SelectParams& params) {
  if (params.mode != Direction::kAuto) return params.mode == Direction::kMax;
  const std::string name = params.metric.substr(params.metric.rfind('.') + 1);
  for (const learn::ModelTask task :
       {learn::ModelTask::kClassification, learn::ModelTask::kRegression}) {
    const auto scorer = learn::FindScorer(name, task);
    if (scorer.ok()) return scorer.value().greater_is_better();
  }
  if (name == "inertia") return false;
  if (name == "oob_score") return true;
  std::vector<std::string> known;
  const std::string path = params.metric.substr(0, params.metric.size() - name.size());
  for (const learn::MetricInfo& metric : learn::Metrics()) {
    known.push_back(path + std::string(metric.name));
  }
  std::string hint = DidYouMean(params.metric, known);
  hint += hint.empty() ? "say mode: max or mode: min" : " Otherwise say mode: max or mode: min";
  return Error::Invalid(
      fmt::format("it is not known whether a greater '{}' is better", params.metric), hint);
}

struct Candidate {
  const Artifact* artifact = nullptr;
  double score = 0.0;
  std::string kind;  // of model: "ridge"
  Json params;
  Json validation;  // its scores of cross-validation, if it has any
};

Result<Candidate> Judge(const Artifact& artifact, const std::string& metric) {
  DML_CHECK(!artifact.files.empty(), "a model artifact is one file");
  DML_TRY(const learn::LoadedModel loaded, learn::ReadModelFile(artifact.files.front().path));
  Json metrics = loaded.model.certificate.numbers;
  metrics.update(loaded.model.metrics);
  const std::optional<double> score = FindNumber(metrics, metric);
  if (score && std::isfinite(*score)) {
    return Candidate{&artifact, *score, std::string(loaded.model.predictor->kind()),
                     loaded.model.params, metrics.value("cv", Json())};
  }
  std::vector<std::string> names;
  ListNumbers(metrics, "", names);
  std::string hint = DidYouMean(metric, names);
  if (hint.empty() && !loaded.model.metrics.contains("cv")) {
    hint = "add validate: {folds: 5} to the train step, and select by cv.<score>";
  }
  return Error::Invalid(fmt::format("a model has no metric '{}'", metric), std::move(hint));
}

// 10 rather than 10.0, as people write it.
std::string ShowValue(const Json& value) {
  return value.is_number_float() ? fmt::format("{}", value.get<double>()) : value.dump();
}

enum class Among { kAll, kItsKind };

// What tells a candidate from the others: its parameters that are not the same in all of them.
Json Distinction(const Candidate& candidate, const std::vector<Candidate>& all, Among among) {
  Json own = Json::object();
  for (const auto& item : candidate.params.items()) {
    const auto same = [&](const Candidate& other) {
      return (among == Among::kItsKind && other.kind != candidate.kind) ||
             other.params.value(item.key(), Json()) == item.value();
    };
    if (!std::ranges::all_of(all, same)) own[item.key()] = item.value();
  }
  return own;
}

// Among several kinds of model a candidate is told from the others by its kind, and by what differs
// within that: of the parameters that other kinds do not have there are too many.
std::string LabelOf(std::size_t number, const std::vector<Candidate>& all) {
  const Candidate& candidate = all[number];
  const auto is_kin = [&](const Candidate& other) { return other.kind == candidate.kind; };
  std::string label = std::ranges::all_of(all, is_kin) ? "" : candidate.kind;
  const Json distinction = Distinction(candidate, all, Among::kItsKind);
  for (const auto& item : distinction.items()) {
    label += fmt::format("{}{}={}", label.empty() ? "" : " ", item.key(), ShowValue(item.value()));
  }
  return label.empty() ? fmt::format("model {}", number + 1) : label;
}

Result<std::vector<Candidate>> JudgeAll(const std::string& metric,
                                        const plugins::StepContext& context) {
  std::vector<Candidate> all;
  for (const Artifact* artifact : context.Inputs("model")) {
    DML_TRY(Candidate candidate, Judge(*artifact, metric));
    all.push_back(std::move(candidate));
  }
  if (all.empty()) return Error::Invalid("there is no model to select from");
  return all;
}

Result<void> SelectBest(const SelectParams& params, plugins::StepContext& context) {
  DML_TRY(const bool greater, GreaterIsBetter(params));
  DML_TRY(const std::vector<Candidate> all, JudgeAll(params.metric, context));
  const auto best = std::ranges::max_element(all, [&](const Candidate& a, const Candidate& b) {
    return greater ? a.score < b.score : a.score > b.score;
  });
  std::vector<std::string> labels;
  std::vector<double> scores;
  for (std::size_t i = 0; i < all.size(); ++i) {
    labels.push_back(LabelOf(i, all));
    scores.push_back(all[i].score);
  }
  const auto number = static_cast<std::size_t>(best - all.begin());
  context.metrics["candidates"] = all.size();
  context.metrics["best"] = number + 1;
  context.metrics["score"] = best->score;
  // For steps that follow: ${steps.best.metrics.params.C}, ${steps.best.metrics.cv.roc_auc}.
  context.metrics["params"] = Distinction(*best, all, Among::kAll);
  if (!best->validation.is_null()) context.metrics["cv"] = best->validation;
  const std::string verdict = fmt::format("The best of {} by {} is {}: {:.6g}.", all.size(),
                                          params.metric, labels[number], best->score);
  if (context.monitor != nullptr) context.monitor->Log(verdict);
  DML_RETURN_IF_ERROR(WritePanels(Json::array({plugins::BarsPanel(params.metric, labels, scores),
                                               plugins::NotesPanel("Choice", "good", {verdict})}),
                                  context));
  DML_TRY(const std::string directory, context.OutputDirectory("model"));
  const ArtifactFile& file = best->artifact->files.front();
  std::error_code failure;
  const std::string target = directory + "/" + file.name;
  std::filesystem::copy_file(file.path, target, failure);
  if (!failure) return {};
  // To the library a copy that ends half-way is an error of the device, whatever ended it.
  const bool full = failure.value() == EIO && IsFull(directory);
  return WriteError("cannot copy the model '" + file.path + "' to '" + target + "'", target,
                    full ? ENOSPC : failure.value());
}

using Names = std::optional<std::vector<std::string>>;

bool IsScorer(const std::string& name) {
  return learn::FindScorer(name, learn::ModelTask::kClassification).ok() ||
         learn::FindScorer(name, learn::ModelTask::kRegression).ok();
}

// What any of the candidates has; nothing if that is not known of all of them.
Names OfAny(std::span<const ModelOutlook> models, Names ModelOutlook::*member) {
  if (models.empty()) return std::nullopt;
  std::vector<std::string> all;
  for (const ModelOutlook& model : models) {
    if (!(model.*member)) return std::nullopt;
    for (const std::string& name : *(model.*member)) {
      if (std::ranges::find(all, name) == all.end()) all.push_back(name);
    }
  }
  return all;
}

// The model that is kept is one of the candidates.
ModelOutlook Forecast(const Json&, std::span<const ModelOutlook> models) {
  if (models.empty()) return {};
  const auto same = [&](const ModelOutlook& other) { return other.task == models[0].task; };
  ModelOutlook out;
  if (std::ranges::all_of(models, same)) out.task = models[0].task;
  out.metrics = OfAny(models, &ModelOutlook::metrics);
  out.params = OfAny(models, &ModelOutlook::params);
  out.fit = OfAny(models, &ModelOutlook::fit);
  return out;
}

std::map<std::string, std::vector<std::string>> ForecastMetrics(
    const Json&, std::span<const ModelOutlook> models) {
  std::map<std::string, std::vector<std::string>> known;
  if (auto scores = OfAny(models, &ModelOutlook::metrics)) known["cv.*"] = std::move(*scores);
  if (const auto params = OfAny(models, &ModelOutlook::params)) {
    for (const std::string& name : *params) known["params.*"].push_back("params." + name);
  }
  return known;
}

// A number of the fit that a candidate will not have.
std::vector<ParamProblem> CheckFit(const std::string& metric,
                                   std::span<const ModelOutlook> models) {
  for (const ModelOutlook& model : models) {
    if (!model.fit || !model.metrics) continue;
    const auto is_it = [&](const std::string& name) { return NamesMetric(name, metric); };
    if (std::ranges::any_of(*model.fit, is_it)) continue;
    std::vector<std::string> names = *model.metrics;
    names.insert(names.end(), model.fit->begin(), model.fit->end());
    std::string hint = DidYouMean(metric, names);
    if (hint.empty()) hint = fmt::format("use one of {}", fmt::join(names, ", "));
    return {{"/metric", fmt::format("a model that is compared here has no metric '{}'", metric),
             std::move(hint)}};
  }
  return {};
}

// A metric that a candidate will not have.
std::vector<ParamProblem> CheckCandidates(const Json& params,
                                          std::span<const ModelOutlook> models) {
  const std::string metric = params.value("metric", "");
  const bool validated = metric.starts_with("cv.");
  const bool any_way = params.value("mode", "auto") == "auto";
  // Which way is better would not be known: that rule has said what is wrong with it.
  if (any_way && !GreaterIsBetter({metric, Direction::kAuto}).ok()) return {};
  if (!validated && !IsScorer(metric)) return CheckFit(metric, models);
  for (const ModelOutlook& model : models) {
    if (!model.metrics) continue;
    const std::vector<std::string>& names = *model.metrics;
    if (std::ranges::find(names, metric) != names.end()) continue;
    const std::string bare = validated ? metric.substr(3) : metric;
    std::string hint = fmt::format("use one of {}", fmt::join(names, ", "));
    if (names.empty()) {
      hint = fmt::format("add validate: {{folds: 5, scoring: {}}} to the train step",
                         IsScorer(bare) ? bare : "accuracy");
      if (!validated) hint += ", and write cv." + metric;
    } else if (!validated && std::ranges::find(names, "cv." + metric) != names.end()) {
      hint = "write cv." + metric;
    } else if (const std::string nearest = DidYouMean(metric, names); !nearest.empty()) {
      hint = nearest;
    }
    return {{"/metric", fmt::format("a model that is compared here has no metric '{}'", metric),
             std::move(hint)}};
  }
  return {};
}

}  // namespace

void RegisterSelectSteps(plugins::StepRegistry& registry) {
  StepSpec spec;
  spec.name = "select.best";
  spec.algorithm_version = 3;
  spec.summary = "Keep the best of several models, such as those of a matrix";
  PortSpec models = ModelPort("the candidates");
  models.many = true;
  spec.inputs = {models};
  spec.outputs = {ModelPort("the best of them; of equals, the first"), ReportPort()};
  spec.forecast = Forecast;
  spec.metrics = std::vector<MetricSpec>{
      {"candidates", "number of models that were compared"},
      {"best", "number of the one that was kept, from 1"},
      {"score", "its metric"},
      {"cv.*", "its cross-validated scores, such as cv.roc_auc"},
      {"params.*", "its parameters that differ from those of the others, such as params.C"}};
  spec.forecast_metrics = ForecastMetrics;
  spec.check_models = CheckCandidates;
  plugins::ParamSchema<SelectParams> schema;
  schema.Add("metric", &SelectParams::metric, "what to compare, such as cv.roc_auc")
      .Required()
      .AddEnum("mode", &SelectParams::mode,
               {{"auto", Direction::kAuto}, {"max", Direction::kMax}, {"min", Direction::kMin}},
               "whether more is better; auto knows every score of validate")
      .Check([](const SelectParams& params, plugins::Problems& problems) {
        const auto known = GreaterIsBetter(params);
        if (!known.ok()) problems.Add("/metric", known.error());
      });
  registry.Add(MakeStepType(std::move(spec), schema, SelectBest));
}

}  // namespace dml::steps
