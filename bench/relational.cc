// bench_relational [rows [threads]]: rows per second of filter, derive, aggregate, deduplicate,
// join and the same join by query.sql, as steps: from partition files to partition files. Beside
// them, if a python3 with pandas is found ($PEER_PYTHON or python3), the same operations on frames
// in memory, and the ratio. Defaults: 2,000,000 rows, all cores. The tables lie in $TMPDIR.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <thread>

#include "base/check.h"
#include "base/random.h"
#include "bench/peers.h"
#include "plugins/steps/register.h"
#include "plugins/table/column_builder.h"
#include "plugins/table/table.h"

namespace {

namespace fs = std::filesystem;
using dml::Artifact;
using dml::Json;
using dml::table::ColumnType;

constexpr std::uint64_t kGroups = 10'000;
constexpr std::uint64_t kPartitionRows = 500'000;

Artifact FolderAsArtifact(const std::string& directory) {
  Artifact artifact;
  artifact.kind = dml::PortKind::kTable;
  for (const auto& entry : fs::directory_iterator(directory)) {
    artifact.files.push_back({entry.path().filename(), entry.path(), 0, {}});
  }
  return artifact;
}

// id: 0, 1, ...; key: one of 10,000; shop: one of 100 texts; x: normal; t: within 1,000 days.
Artifact MakeEvents(const std::string& directory, std::uint64_t rows) {
  const dml::table::Schema schema{{{"id", ColumnType::kInt64, 1},
                                   {"key", ColumnType::kInt64, 1},
                                   {"shop", ColumnType::kCategory, 1},
                                   {"x", ColumnType::kFloat64, 1},
                                   {"t", ColumnType::kTimestamp, 1}}};
  fs::create_directories(directory);
  dml::table::TableWriter writer(directory, schema);
  const dml::Philox random(1, "bench relational");
  for (std::uint64_t begin = 0; begin < rows; begin += kPartitionRows) {
    std::vector<dml::table::ColumnBuilder> builders;
    for (const auto& field : schema.fields) builders.emplace_back(field);
    const std::uint64_t end = std::min(rows, begin + kPartitionRows);
    for (std::uint64_t row = begin; row < end; ++row) {
      builders[0].AppendInt64(static_cast<std::int64_t>(row));
      builders[1].AppendInt64(static_cast<std::int64_t>(random.Below(kGroups, row, 0)));
      builders[2].AppendText(fmt::format("shop {}", random.Below(100, row, 1)));
      builders[3].AppendDouble(random.Normal(row, 2));
      builders[4].AppendInt64(static_cast<std::int64_t>(random.Below(86'400'000, row, 3)) *
                              1'000'000);
    }
    dml::table::Batch batch{schema, {}, end - begin, begin};
    for (auto& builder : builders) batch.columns.push_back(builder.Finish());
    DML_CHECK(writer.Write(begin / kPartitionRows, batch).ok(), "the disk takes the table");
  }
  DML_CHECK(writer.Finish().ok(), "the disk takes the table");
  return FolderAsArtifact(directory);
}

Artifact MakeKeys(const std::string& directory) {
  const dml::table::Schema schema{
      {{"key", ColumnType::kInt64, 1}, {"weight", ColumnType::kFloat64, 1}}};
  fs::create_directories(directory);
  dml::table::ColumnBuilder keys(schema.fields[0]);
  dml::table::ColumnBuilder weights(schema.fields[1]);
  for (std::uint64_t key = 0; key < kGroups; ++key) {
    keys.AppendInt64(static_cast<std::int64_t>(key * 7919 % kGroups));
    weights.AppendDouble(static_cast<double>(key) / 3);
  }
  dml::table::TableWriter writer(directory, schema);
  DML_CHECK(writer.Write(0, {schema, {keys.Finish(), weights.Finish()}, kGroups, 0}).ok(), "");
  DML_CHECK(writer.Finish().ok(), "the disk takes the table");
  return FolderAsArtifact(directory);
}

struct Operation {
  std::string name;
  std::string uses;
  Json params;
  std::vector<std::string> inputs;
  std::string pandas;
};

const std::vector<Operation>& Operations() {
  static const std::vector<Operation> list{
      {"filter",
       "filter",
       {{"where", "x > 0.5 AND shop <> 'shop 7'"}},
       {"data"},
       "e[(e.x > 0.5) & (e['shop'] != 'shop 7')]"},
      {"derive",
       "derive",
       {{"columns", {{"y", "x * x + 2 * x"}, {"big", "CASE WHEN x > 1 THEN 1 ELSE 0 END"}}}},
       {"data"},
       "e.assign(y=e.x*e.x+2*e.x, big=(e.x>1).astype(int))"},
      {"recency",
       "derive",
       {{"columns", {{"days", "days_between(t, '1973-01-01')"}}}},
       {"data"},
       "e.assign(days=(pd.Timestamp('1973-01-01')-e.t)/pd.Timedelta(days=1))"},
      {"aggregate",
       "aggregate",
       {{"by", {"key"}},
        {"columns", {{"n", "count(*)"}, {"s", "sum(x)"}, {"m", "avg(x)"}, {"last", "max(t)"}}}},
       {"data"},
       "e.groupby('key').agg(n=('x','size'),s=('x','sum'),m=('x','mean'),l=('t','max'))"},
      {"median",
       "aggregate",
       {{"by", {"shop"}}, {"columns", {{"m", "median(x)"}, {"d", "stddev(x)"}}}},
       {"data"},
       "e.groupby('shop').agg(m=('x','median'),d=('x','std'))"},
      {"deduplicate",
       "deduplicate",
       {{"columns", {"key", "shop"}}},
       {"data"},
       "e.drop_duplicates(['key','shop'])"},
      {"join", "join", {{"on", "key"}}, {"left", "right"}, "e.merge(k, on='key')"},
      {"query.sql join",
       "query.sql",
       {{"sql", "SELECT id, x, weight FROM \"left\" CROSS JOIN \"right\" USING (key)"}},
       {"left", "right"},
       "e[['id','key','x']].merge(k, on='key')"},
  };
  return list;
}

double SecondsOf(const dml::plugins::StepRegistry& registry, const Operation& operation,
                 const std::string& folder, const std::vector<Artifact>& tables, int threads) {
  dml::plugins::StepContext context;
  for (std::size_t i = 0; i < operation.inputs.size(); ++i) {
    context.inputs.push_back(tables[i]);
    context.inputs.back().port = operation.inputs[i];
  }
  context.output_root = folder + "/out";
  context.scratch_dir = folder + "/scratch";
  context.threads = threads;
  const auto step = registry.Make(operation.uses, operation.params);
  DML_CHECK(step.ok(), "the step exists");
  const auto start = std::chrono::steady_clock::now();
  const auto done = (*step)->Run(context);
  const auto end = std::chrono::steady_clock::now();
  if (!done.ok()) fmt::print("{}: {}\n", operation.name, done.error().Render());
  fs::remove_all(context.output_root);
  fs::remove_all(context.scratch_dir);
  return std::chrono::duration<double>(end - start).count();
}

std::map<std::string, double> PeerSeconds(std::uint64_t rows) {
  std::string script = fmt::format(
      "import time\nimport numpy as np\nimport pandas as pd\n"
      "r=np.random.default_rng(1);n={}\n"
      "e=pd.DataFrame(dict(id=np.arange(n),key=r.integers(0,{},n),"
      "shop=pd.Categorical([\"shop %d\"%i for i in r.integers(0,100,n)]),x=r.normal(size=n),"
      "t=pd.to_datetime(r.integers(0,86400000,n),unit=\"s\")))\n"
      "k=pd.DataFrame(dict(key=r.permutation({}),weight=r.normal(size={})))\n",
      rows, kGroups, kGroups, kGroups);
  for (const Operation& operation : Operations()) {
    script += fmt::format("s=time.time();_={};print(time.time()-s)\n", operation.pandas);
  }
  const std::string path = fs::temp_directory_path() / fmt::format("dml-peer-{}.py", ::rand());
  FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return {};
  std::fputs(script.c_str(), file);
  std::fclose(file);
  std::map<std::string, double> seconds;
  const auto lines = dml::LinesOfPeer(fmt::format("{} {}", dml::PeerPython(), path));
  for (std::size_t i = 0; i < std::min(lines.size(), Operations().size()); ++i) {
    seconds[Operations()[i].name] = std::atof(lines[i].c_str());
  }
  fs::remove(path);
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t rows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2'000'000;
  const int threads =
      argc > 2 ? std::atoi(argv[2]) : static_cast<int>(std::thread::hardware_concurrency());
  std::string folder = (fs::temp_directory_path() / "dml-bench-XXXXXX").string();
  DML_CHECK(::mkdtemp(folder.data()) != nullptr, "the temporary folder is writable");
  const std::vector<Artifact> tables{MakeEvents(folder + "/events", rows),
                                     MakeKeys(folder + "/keys")};
  dml::plugins::StepRegistry registry;
  dml::steps::RegisterBuiltins(registry);
  const auto peer = PeerSeconds(rows);
  fmt::print("{} rows, {} threads\n{:<16}{:>10}{:>14}{:>12}{:>8}\n", rows, threads, "", "seconds",
             "rows/s", "pandas s", "ratio");
  for (const Operation& operation : Operations()) {
    const double seconds = SecondsOf(registry, operation, folder, tables, threads);
    const auto other = peer.find(operation.name);
    fmt::print("{:<16}{:>10.3f}{:>14.0f}", operation.name, seconds,
               static_cast<double>(rows) / seconds);
    if (other != peer.end())
      fmt::print("{:>12.3f}{:>8.2f}", other->second, other->second / seconds);
    fmt::print("\n");
  }
  fs::remove_all(folder);
  return 0;
}
