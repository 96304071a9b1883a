#include "cli/predict/cmd_predict.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <new>
#include <set>
#include <stop_token>
#include <thread>

#include "base/file_descriptor.h"
#include "base/output_file.h"
#include "cli/display/output.h"
#include "cli/pipeline/steps_registry.h"
#include "cli/predict/data_loader.h"
#include "cli/predict/model_choice.h"
#include "cli/signals.h"
#include "cli/worker/step_executor.h"
#include "plugins/learn/model_file.h"
#include "plugins/table/table.h"

namespace dml::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kPrintBytes = std::size_t{1} << 20;

struct PredictOptions {
  std::string model;
  std::string data;
  std::string file;
  std::vector<std::string> with;
};

// Removed with everything in it, whatever happens.
class ScratchFolder {
 public:
  static Result<ScratchFolder> Make() {
    std::string name = (fs::temp_directory_path() / "dml-predict-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      return Error::System("cannot make '" + name + "'", errno);
    return ScratchFolder(std::move(name));
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

class WarningMonitor final : public runners::TaskMonitor {
 public:
  explicit WarningMonitor(const Output& output) : output_(output) {}
  void Progress(double, const std::string&) override {}
  void Log(const std::string& line) override {
    if (output_.verbose()) output_.Note(Harmless(line));
  }

 private:
  const Output& output_;
};

// One step after another in this process, without a store: nothing of a prediction is kept.
class Pipeline {
 public:
  Pipeline(const Output& output, std::string folder, std::stop_token stop)
      : output_(output),
        folder_(std::move(folder)),
        stop_(std::move(stop)),
        monitor_(output),
        executor_(BuiltinSteps()) {}

  // Runs `uses` with its defaults and `params`; returns its first output, if it has one, as input
  // `port` of the next step.
  Result<Artifact> Run(const std::string& uses, const Json& params, std::vector<Artifact> inputs,
                       const std::string& port) {
    const StepSpec* step = BuiltinSteps().catalog().FindStep(uses);
    if (step == nullptr) return Error::Invalid("this build has no step '" + uses + "'");
    Json bound = Json::object();
    for (const ParamSpec& param : step->params) bound[param.name] = param.default_value;
    bound.update(params);
    for (auto it = bound.begin(); it != bound.end();) it = it->is_null() ? bound.erase(it) : ++it;
    runners::LaunchSpec spec;
    spec.task_name = uses;
    spec.work = std::vector<runners::NativeStep>{{uses, bound}};
    spec.inputs = std::move(inputs);
    spec.outputs = step->outputs;
    spec.attempt_dir = folder_ + "/" + std::to_string(count_++);
    spec.threads = static_cast<int>(std::thread::hardware_concurrency());
    DML_TRY(const runners::TaskOutcome outcome, Execute(spec));
    for (const std::string& warning : outcome.warnings) output_.Warn(Harmless(warning));
    if (step->outputs.empty() || port.empty()) return Artifact();
    return ArtifactOfFolder(spec.attempt_dir + "/out/" + step->outputs.front().name, port,
                            step->outputs.front().kind);
  }

 private:
  Result<runners::TaskOutcome> Execute(const runners::LaunchSpec& spec) {
    try {
      return executor_.Execute(spec, monitor_, stop_);
    } catch (const std::bad_alloc&) {
      return Error::Environment("out of memory", "predict fewer rows at a time");
    }
  }

  const Output& output_;
  std::string folder_;
  std::stop_token stop_;
  WarningMonitor monitor_;
  StepExecutor executor_;
  int count_ = 0;
};

std::string PortOfKind(const std::string& uses, PortKind kind) {
  const StepSpec* step = BuiltinSteps().catalog().FindStep(uses);
  if (step == nullptr) return {};
  for (const PortSpec& port : step->inputs) {
    if (port.kind == kind) return port.name;
  }
  return {};
}

// A block at a time: predictions may be larger than memory. Ends early once nobody takes more.
Result<void> PrintFile(const std::string& path, const Output& output) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return Error::System("cannot open '" + path + "'", errno);
  std::string block(kPrintBytes, '\0');
  while (!output.cut_off()) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0) return Error::System("cannot read '" + path + "'", errno);
    if (got == 0) break;
    output.Print(std::string_view(block).substr(0, static_cast<std::size_t>(got)));
  }
  return {};
}

// A pipe is read to its end, but nobody means the rows of a device. A pattern is left to the
// loader.
Result<void> CheckData(const std::string& path) {
  std::error_code none;
  const bool pattern = path.find_first_of("*?[") != std::string::npos;
  if (!pattern && fs::status(path, none).type() == fs::file_type::not_found) {
    return Error::Invalid("there is no file '" + path + "'",
                          "relative paths start at the working directory");
  }
  const fs::file_type type = fs::status(path, none).type();
  if (type != fs::file_type::character && type != fs::file_type::block) return {};
  return Error::Invalid("'" + path + "' is a device, not a file", "name a file of rows");
}

// The columns that had one of these types in training; of text, both kinds. None if the file is no
// model, which the step `predict` says.
std::vector<std::string> ColumnsOf(const Artifact& model,
                                   const std::set<table::ColumnType>& types) {
  using table::ColumnType;
  if (model.files.empty()) return {};
  const auto file = learn::ReadModelFile(model.files.front().path);
  if (!file.ok()) return {};
  const auto schema = table::Schema::FromJson(file->model.schema);
  if (!schema.ok()) return {};
  std::vector<std::string> names;
  for (const table::Field& field : schema->fields) {
    const bool category = field.type == ColumnType::kCategory;
    if (types.contains(category ? ColumnType::kString : field.type)) names.push_back(field.name);
  }
  return names;
}

// What a row means must not depend on those beside it: what was text stays text, even if all cells
// of these rows look like numbers; and a truth value or a time is read from its own text. A number
// needs no such care: it is one among whatever others.
void ReadAsInTraining(const std::string& loader, const Artifact& model, Json& how) {
  if (loader != "load.csv" && loader != "load.jsonl") return;
  if (how.contains("as_text")) return;
  std::set<table::ColumnType> types{table::ColumnType::kString, table::ColumnType::kBool};
  // A time that is written in a way of its own is read by the loader.
  if (!how.contains("timestamp_format")) types.insert(table::ColumnType::kTimestamp);
  how["as_text"] = ColumnsOf(model, types);
}

// Columns of text in training that are to be read as something else, as --with says: a step before
// training made text of them, which is done here too.
Json TextAgain(const Artifact& model, const Json& how) {
  Json casts = Json::object();
  if (!how.contains("types")) return casts;
  const std::vector<std::string> written = ColumnsOf(model, {table::ColumnType::kString});
  for (const auto& [name, type] : how["types"].items()) {
    const bool text = type == "string" || type == "category";
    if (!text && std::ranges::find(written, name) != written.end()) casts[name] = "string";
  }
  return casts;
}

// As of rows that were read with a delimiter they do not have.
bool HasOneColumn(const Artifact& data) {
  const auto table = table::Table::Open(data.files);
  return table.ok() && table->schema().fields.size() == 1;
}

// The loader's remedies for what stands in a file are for a pipeline; here its parameters are said
// on the command line.
Error Readable(Error error, const PredictOptions& options, bool concerns_reading) {
  if (error.kind == ErrorKind::kInvalid && options.with.empty() && concerns_reading) {
    error.hint += error.hint.empty() ? "" : "; ";
    error.hint += "say how it is to be read with --with, as in -w 'delimiter=;'";
  }
  return error;
}

Result<ExitCode> RunPredict(PredictOptions options, const std::string& home, const Output& output) {
  if (options.data == "-") options.data = "/dev/stdin";
  DML_RETURN_IF_ERROR(RefuseFormatAsFile("predict", options.file));
  const bool to_stdout = options.file.empty() || options.file == "-";
  if (!to_stdout) DML_RETURN_IF_ERROR(OutputFile::Check(options.file));
  DML_RETURN_IF_ERROR(CheckData(options.data));
  // Whoever closes a pipe early must not keep the scratch folder from being removed.
  ::signal(SIGPIPE, SIG_IGN);
  DML_TRY(Artifact model, ChooseModel(options.model, home));
  DML_TRY(const ScratchFolder scratch, ScratchFolder::Make());
  std::stop_source stop;
  const SignalWatcher signals([&](int signal, int count) {
    stop.request_stop();
    if (count > 1) ::_exit(128 + signal);
  });
  Pipeline pipeline(output, scratch.path(), stop.get_token());
  model.port = PortOfKind("predict", PortKind::kModel);
  std::error_code problem;
  const std::string data_path = fs::absolute(options.data, problem).string();
  const std::string loader = LoaderFor(options.data);
  DML_TRY(Json how, LoaderParams(loader, data_path, options.with, output));
  ReadAsInTraining(loader, model, how);
  auto data = pipeline.Run(loader, how, {}, PortOfKind("predict", PortKind::kTable));
  if (const Json casts = TextAgain(model, how); data.ok() && !casts.empty()) {
    data = pipeline.Run("preprocess.cast", {{"columns", casts}}, {std::move(data).value()},
                        PortOfKind("predict", PortKind::kTable));
  }
  if (!data.ok()) {
    const bool placed = !data.error().where.empty();
    return Readable(std::move(data).error(), options, placed);
  }
  const bool one_column = HasOneColumn(*data);
  auto predictions =
      pipeline.Run("predict", Json::object(), {std::move(model), std::move(data).value()},
                   PortOfKind("write.csv", PortKind::kTable));
  if (!predictions.ok()) return Readable(std::move(predictions).error(), options, one_column);
  const std::string target = to_stdout ? scratch.path() + "/predictions.csv"
                                       : fs::absolute(options.file, problem).string();
  DML_TRY([[maybe_unused]] const Artifact nothing,
          pipeline.Run("write.csv", {{"path", target}}, {std::move(predictions).value()}, ""));
  if (to_stdout) DML_RETURN_IF_ERROR(PrintFile(target, output));
  return ExitCode::kDone;
}

}  // namespace

Action SetupPredict(Args& args, CommonOptions& common) {
  auto options = std::make_shared<PredictOptions>();
  args.Positional("MODEL", options->model, /*required=*/true,
                  "a model file, a task of the newest run (best), or of another one (r3/best)");
  args.Positional(
      "DATA", options->data, /*required=*/true,
      "raw rows: .csv, .tsv, .jsonl, .svm or .npy, also .gz or .zst; -: CSV from a pipe");
  args.Value("-o,--output", "FILE", options->file, "where the predictions go (default: stdout)");
  args.Values("-w,--with", "KEY=VALUE", options->with,
              "how to read DATA: a parameter of its load step, as in a pipeline");
  args.Describe("The model carries its preprocessing: give it rows as they come.");
  args.Example("dml predict best new.csv -o out.csv", "with the model of the step 'best'");
  args.Example("dml predict r3/model@C=0.1 new.csv", "with one of an earlier run, to stdout");
  args.Example("dml predict best new.csv -w 'delimiter=;' -w 'null_values=[\"?\"]'",
               "rows that `load.csv` takes with these parameters");
  return [options, &common](Output& output) { return RunPredict(*options, common.home, output); };
}

}  // namespace dml::cli
