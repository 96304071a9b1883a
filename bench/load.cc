// bench_load [MB] [threads] [folder]: the rate of load.csv on two generated files, ten columns of
// floats and a mix of types, until the partition files are written; beside it the cost of hashing
// and of syncing those files. The generated text is in the page cache when the load begins.

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

#include "base/hash.h"
#include "base/random.h"
#include "plugins/table/csv/csv.h"

namespace dml {
namespace {

double Now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

double PeakMiB() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// Repeats a block of rows until the file has its size: the parser does not notice.
void Generate(const std::string& path, std::size_t bytes, bool mixed) {
  const Philox random(42, "bench_load");
  std::string block;
  for (std::uint64_t row = 0; row < 20'000; ++row) {
    for (std::uint64_t c = 0; c < 10; ++c) {
      const double value = random.Normal(row, c) * 100;
      const auto whole = static_cast<std::int64_t>(random.Below(1'000'000, row, c));
      const bool missing = mixed && random.Below(10, row, c + 100) == 0;
      if (c > 0) block += ',';
      if (missing) continue;
      if (!mixed || c < 3) {
        block += fmt::format("{:.{}f}", value, mixed ? 4 : 12);
      } else if (c < 6) {
        block += fmt::format("{}", whole);
      } else if (c < 7) {
        block += fmt::format("2026-{:02}-{:02}", whole % 12 + 1, whole % 28 + 1);
      } else if (c < 9) {
        block += fmt::format("\"name, {}\"", whole % 1000);
      } else {
        block += fmt::format("free text number {} of many", whole);
      }
    }
    block += '\n';
  }
  std::FILE* file = std::fopen(path.c_str(), "wb");
  std::fputs("a,b,c,d,e,f,g,h,i,j\n", file);
  for (std::size_t done = 0; done < bytes; done += block.size()) {
    std::fwrite(block.data(), 1, block.size(), file);
  }
  std::fclose(file);
}

void Measure(const std::string& name, const std::string& path, const std::string& out,
             int threads) {
  table::CsvOptions options;
  options.paths = {path};
  table::LoadExecution execution;
  execution.threads = threads;
  const double bytes = static_cast<double>(std::filesystem::file_size(path));
  double best = 1e9;
  std::uint64_t rows = 0;
  for (int i = 0; i < 3; ++i) {
    std::filesystem::remove_all(out);
    std::filesystem::create_directory(out);
    const double start = Now();
    const auto report = table::LoadCsv(options, out, execution);
    if (!report.ok()) {
      fmt::print("{}\n", report.error().Render());
      std::exit(1);
    }
    best = std::min(best, Now() - start);
    rows = report->rows;
  }
  const double load_peak = PeakMiB();
  double start = Now();
  for (const auto& entry : std::filesystem::directory_iterator(out)) (void)HashFile(entry.path());
  const double hashing = Now() - start;
  start = Now();
  for (const auto& entry : std::filesystem::directory_iterator(out)) {
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    ::fsync(fd);
    ::close(fd);
  }
  fmt::print(
      "{:6} {:7.3f} GB {:9} rows  load {:6.3f} s = {:5.3f} GB/s  peak {:4.0f} MiB"
      "  (sha256 {:.3f} s on one thread, fsync {:.3f} s)\n",
      name, bytes / 1e9, rows, best, bytes / 1e9 / best, load_peak, hashing, Now() - start);
}

int Run(int argc, char** argv) {
  const std::size_t megabytes = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  const int threads = argc > 2 ? std::atoi(argv[2]) : 2;
  std::string folder = argc > 3 ? argv[3] : std::filesystem::temp_directory_path().string();
  folder += "/dml-bench-load-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  const std::string text = folder + "/in.csv";
  Generate(text, megabytes * 1'000'000, /*mixed=*/false);
  Measure("floats", text, folder + "/out", threads);
  Generate(text, megabytes * 500'000, /*mixed=*/true);
  Measure("mixed", text, folder + "/out", threads);
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace dml

int main(int argc, char** argv) { return dml::Run(argc, argv); }
