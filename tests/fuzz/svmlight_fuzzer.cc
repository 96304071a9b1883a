#include <cstdint>
#include <cstdlib>

#include "plugins/table/readers/svmlight.h"
#include "plugins/table/table.h"
#include "tests/fuzz/scratch_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dml::table;
  static const dml::fuzz::ScratchFolder folder;
  SvmlightOptions options;
  options.paths = {folder.Write("in.svm", data, size)};
  options.partitions = {Partitioning::Kind::kCount, 3};
  const auto report = LoadSvmlight(options, folder.path(), {});
  if (!report.ok()) return 0;
  const auto table = Table::OpenDirectory(folder.path());
  if (!table.ok() || table->rows() != report->rows) std::abort();
  for (std::size_t p = 0; p < table->partition_count(); ++p) {
    if (!table->Read(p).ok()) std::abort();
  }
  return 0;
}
