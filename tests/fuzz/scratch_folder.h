#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace dml::fuzz {

// A folder in memory for a fuzzer that has to go through files; removed when the process ends.
class ScratchFolder {
 public:
  ScratchFolder() {
    const bool shm = std::filesystem::is_directory("/dev/shm");
    path_ = std::string(shm ? "/dev/shm" : "/tmp") + "/dml-fuzz-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) ::abort();
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  std::string Write(const char* name, const std::uint8_t* data, std::size_t size) const {
    std::ofstream stream(path_ + "/" + name, std::ios::binary | std::ios::trunc);
    stream.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

}  // namespace dml::fuzz
