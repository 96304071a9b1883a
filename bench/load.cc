// bench_load [MB] [threads] [folder]: the rate of load.csv on two generated files, ten columns of
// floats and, half as large, a mix of types, until the partition files are written; beside it what
// hashing (on one thread) and syncing them costs, and the rates of the peers that $PEER_PYTHON (or
// python3) and node (by NODE_PATH) have. The text is in the page cache when a load begins.

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "bench/peers.h"
#include "plugins/table/csv/csv.h"

namespace dml {
namespace {

double Now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
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

void Sync(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ::fsync(fd);
  ::close(fd);
}

// Seconds that `use` takes for all files of a folder.
template <typename Use>
double Timed(const std::string& folder, Use use) {
  const double start = Now();
  for (const auto& entry : std::filesystem::directory_iterator(folder)) use(entry.path().string());
  return Now() - start;
}

// Seconds.
double Measure(const std::string& name, const std::string& path, const std::string& out,
               int threads) {
  table::CsvOptions options;
  options.paths = {path};
  table::LoadExecution execution;
  execution.threads = threads;
  const double bytes = static_cast<double>(std::filesystem::file_size(path));
  double best = 1e9;
  double cpu = 1e9;
  std::uint64_t rows = 0;
  for (int i = 0; i < 3; ++i) {
    std::filesystem::remove_all(out);
    std::filesystem::create_directory(out);
    const double start = Now();
    const double cpu_start = CpuSeconds();
    const auto report = table::LoadCsv(options, out, execution);
    if (!report.ok()) {
      fmt::print("{}\n", report.error().Render());
      std::exit(1);
    }
    best = std::min(best, Now() - start);
    cpu = std::min(cpu, CpuSeconds() - cpu_start);
    rows = report->rows;
  }
  const double peak = PeakMiB();
  const double hashing = Timed(out, [](const std::string& file) { (void)HashFile(file); });
  const double syncing = Timed(out, Sync);
  const double whole = (best + hashing + syncing) / 100;
  fmt::print(
      "{:6} {:7.3f} GB {:9} rows  load {:6.3f} s = {:5.3f} GB/s  cpu {:6.3f} s  peak {:4.0f} MiB\n",
      name, bytes / 1e9, rows, best, bytes / 1e9 / best, cpu, peak);
  fmt::print(
      "       of the whole: load {:.0f} %, sha256 {:.3f} s = {:.0f} %, fsync {:.3f} s = {:.0f} %\n",
      best / whole, hashing, hashing / whole, syncing, syncing / whole);
  return best;
}

// A command that prints "PEER FILE SECONDS" for each file that it has read.
void ComparePeers(const std::string& command, const std::string& folder,
                  const std::map<std::string, double>& own) {
  for (const std::string& line : LinesOfPeer(command + " " + folder)) {
    std::array<char, 32> peer{};
    std::array<char, 32> file{};
    double seconds = 0;
    if (std::sscanf(line.c_str(), "%31s %31s %lf", peer.data(), file.data(), &seconds) != 3)
      continue;
    const auto bytes = static_cast<double>(
        std::filesystem::file_size(fmt::format("{}/{}.csv", folder, file.data())));
    fmt::print("{:6} {:8} {:6.3f} s = {:5.3f} GB/s into memory  ratio {:.1f}\n", file.data(),
               peer.data(), seconds, bytes / 1e9 / seconds, seconds / own.at(file.data()));
  }
}

int Run(const std::vector<std::string>& args) {
  const auto number = [&](std::size_t i, std::size_t otherwise) {
    return i < args.size() ? std::stoul(args[i]) : otherwise;
  };
  const std::size_t bytes = number(0, 1000) * 1'000'000;
  const int threads = static_cast<int>(number(1, 2));
  std::string folder = args.size() > 2 ? args[2] : std::filesystem::temp_directory_path().string();
  folder += "/dml-bench-load-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  std::map<std::string, double> seconds;
  for (const std::string name : {"floats", "mixed"}) {
    const bool mixed = name == "mixed";
    const std::string text = fmt::format("{}/{}.csv", folder, name);
    Generate(text, mixed ? bytes / 2 : bytes, mixed);
    seconds[name] = Measure(name, text, folder + "/out", threads);
  }
  ComparePeers(fmt::format("{} {}/load_peer.py", PeerPython(), DML_BENCH_DIR), folder, seconds);
  ComparePeers(fmt::format("node {}/load_peer.cjs", DML_BENCH_DIR), folder, seconds);
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace dml

int main(int argc, char** argv) { return dml::Run({argv + 1, argv + argc}); }
