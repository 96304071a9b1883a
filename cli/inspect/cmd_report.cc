#include "cli/inspect/cmd_report.h"

#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include "base/output_file.h"
#include "cli/display/output.h"
#include "cli/inspect/runs.h"
#include "cli/version.h"
#include "orchestrator/report/html_report.h"

namespace dml::cli {

namespace {

struct ReportOptions {
  std::string run;
  std::string file;
};

std::string ProcessorName() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

// The home is on this machine, and so were the workers of its runs.
void AddEnvironment(report::RunFacts& run) {
  utsname system{};
  run.environment.emplace_back("dml", kVersion);
  if (::uname(&system) == 0) {
    run.environment.emplace_back(
        "system", std::string(system.sysname) + " " + system.release + " " + system.machine);
  }
  run.environment.emplace_back("processor", ProcessorName());
  run.environment.emplace_back("cores", std::to_string(::sysconf(_SC_NPROCESSORS_ONLN)));
}

// Whether the page went where the name of the file would go.
bool IsStandardOutput(const std::string& file) {
  struct stat written {};
  struct stat standard {};
  return ::stat(file.c_str(), &written) == 0 && ::fstat(STDOUT_FILENO, &standard) == 0 &&
         written.st_dev == standard.st_dev && written.st_ino == standard.st_ino;
}

Result<ExitCode> RunReport(const ReportOptions& options, const std::string& home,
                           const Output& output) {
  DML_RETURN_IF_ERROR(RefuseFormatAsFile("report", options.file));
  DML_TRY(OpenedRun opened, OpenRun(home, options.run));
  DML_TRY(report::RunFacts run, FactsOf(opened, /*with_panels=*/true));
  AddEnvironment(run);
  const std::string html = report::HtmlReport(run);
  if (options.file == "-") {
    output.Print(html);
    return ExitCode::kDone;
  }
  const std::string file = options.file.empty() ? "report-" + run.id + ".html" : options.file;
  DML_RETURN_IF_ERROR(WriteOutputFile(file, html));
  if (!IsStandardOutput(file)) output.Print(file + "\n");
  return ExitCode::kDone;
}

}  // namespace

Action SetupReport(Args& args, CommonOptions& common) {
  auto options = std::make_shared<ReportOptions>();
  args.Positional("RUN", options->run, /*required=*/false, "r12, or latest (the default)");
  args.Value("-o,--output", "FILE", options->file,
             "where to write it (default: report-RUN.html; - means stdout)");
  args.Describe("The page needs no network and no other file: send it to anybody.");
  args.Example("dml report", "the newest run");
  args.Example("dml report r12 -o credit.html", "run 12 into a file of your choice");
  return [options, &common](Output& output) { return RunReport(*options, common.home, output); };
}

}  // namespace dml::cli
