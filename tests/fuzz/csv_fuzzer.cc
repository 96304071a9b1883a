// The first bytes choose options; the rest is the text. Two loads that differ only in threads have
// to agree on whether it is right, on the rows and on the types.

#include <cstdint>
#include <cstdlib>

#include "plugins/table/csv/csv.h"
#include "plugins/table/table.h"
#include "tests/fuzz/scratch_folder.h"

namespace dml::table {
namespace {

bool Same(const Result<LoadReport>& a, const Result<LoadReport>& b) {
  if (a.ok() != b.ok()) return false;
  if (!a.ok()) return a.error() == b.error();
  return a->schema == b->schema && a->partition_rows == b->partition_rows &&
         a->missing == b->missing;
}

}  // namespace
}  // namespace dml::table

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dml::table;
  static const dml::fuzz::ScratchFolder folder;
  if (size < 2) return 0;
  CsvOptions options;
  const unsigned flags = data[0];
  options.trim = (flags & 1) != 0;
  options.quote = (flags & 2) != 0 ? "" : "\"";
  options.header = (flags & 4) != 0 ? CsvHeader::kAuto : CsvHeader::kNo;
  options.delimiter = (flags & 8) != 0 ? "auto" : (flags & 16) != 0 ? "::" : ",";
  options.ragged = (flags & 32) != 0 ? CsvRagged::kPad : CsvRagged::kError;
  options.comment = (flags & 64) != 0 ? "#" : "";
  options.partitions = {Partitioning::Kind::kCount, 1 + data[1] % 8};
  options.paths = {folder.Write("in.csv", data + 2, size - 2)};
  const auto one = LoadCsv(options, folder.path(), {});
  LoadExecution execution;
  execution.threads = 2;
  const auto two = LoadCsv(options, folder.path(), execution);
  if (!Same(one, two)) std::abort();
  if (!two.ok()) return 0;
  const auto table = Table::OpenDirectory(folder.path());
  if (!table.ok() || table->rows() != two->rows) std::abort();
  for (std::size_t p = 0; p < table->partition_count(); ++p) {
    if (!table->Read(p).ok()) std::abort();
  }
  return 0;
}
