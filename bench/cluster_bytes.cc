#include "bench/cluster_bytes.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <mutex>
#include <random>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "base/hash.h"
#include "runners/ssh/node_port.h"
#include "runners/ssh/remote.h"
#include "runners/ssh/session.h"

namespace dml::ssh {

namespace {

constexpr int kRounds = 5;
constexpr std::size_t kReadBytes = 1U << 20;
constexpr Duration kPatience = Duration::Seconds(99);

// A line as a table has them: some columns are like those of the line before, others are not.
void FillWithText(std::string& block, std::mt19937_64& noise) {
  std::size_t at = 0;
  while (at < block.size()) {
    const std::string line =
        fmt::format("2026-11-{:02},{},{:.4f},active,{:016x}\n", noise() % 28 + 1, noise() % 1000,
                    static_cast<double>(noise() % 1'000'000) / 1e4, noise());
    const std::size_t fits = std::min(line.size(), block.size() - at);
    line.copy(block.data() + at, fits);
    at += fits;
  }
}

double ProcessorSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double MedianOf(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

struct Rates {
  std::vector<double> mebibytes;  // a second, one for each round
  std::vector<double> processor;  // seconds of it for a gibibyte

  void Time(std::size_t amount, const std::function<void()>& transfer) {
    const SystemClock clock;
    const Instant start = clock.Now();
    const double before = ProcessorSeconds();
    transfer();
    mebibytes.push_back(static_cast<double>(amount) / (clock.Now() - start).seconds());
    processor.push_back((ProcessorSeconds() - before) * 1024 / static_cast<double>(amount));
  }
};

void PrintBeside(const std::string& what, const Rates& ours, const Rates& alone) {
  const double rate = MedianOf(ours.mebibytes);
  const double ceiling = MedianOf(alone.mebibytes);
  std::cout << fmt::format(
                   "{:<44}{:>10.2f} MiB/s, libssh alone {:.0f}: {:.2f} of it; {:.2f} s of the "
                   "head's processor for a GiB, libssh alone {:.2f}\n",
                   what, rate, ceiling, rate / ceiling, MedianOf(ours.processor),
                   MedianOf(alone.processor))
            << std::flush;
}

// A connection to the agent of a node on which nothing but blobs travels.
class BareHead {
 public:
  BareHead(const Host& host, const WorkerProgram& worker)
      : link_(host, worker, {}, [this](const LinkEvent& event) { Hear(event); }) {
    {
      std::unique_lock lock(mutex_);
      told_.wait(lock, [this] { return fd_ >= 0; });
    }
    port_.Open(fd_, clock_.Now());
    node::Attach attach;
    attach.client = "bytes";
    port_.Send(runners::FrameType::kAttach, node::Encode(attach));
    bool attached = false;
    while (!attached) attached = !Turn().empty();
    port_.ResumeTransfers();
  }

  void Fetch(const Digest& digest, std::int64_t size, const std::string& target) {
    port_.Fetch(digest, size, target + ".part", target);
    auto done = port_.downloads.Take();
    for (; done.empty(); done = port_.downloads.Take()) Turn();
    DML_CHECK(done.front().result.ok(), "the blob arrives");
  }

  void Send(const Digest& digest, const std::string& path) {
    port_.uploads.Want(digest, path);
    auto done = port_.uploads.Take();
    for (; done.empty(); done = port_.uploads.Take()) Turn();
    DML_CHECK(done.front().result.ok(), "the blob is taken");
  }

 private:
  void Hear(const LinkEvent& event) {
    const auto* down = std::get_if<LinkDown>(&event);
    DML_CHECK(down == nullptr, down == nullptr ? "" : down->error.message.c_str());
    const std::lock_guard lock(mutex_);
    fd_ = std::get<LinkUp>(event).fd;
    told_.notify_all();
  }

  std::vector<runners::Frame> Turn() {
    port_.Flush();
    pollfd line{port_.fd(), POLLIN, 0};
    if (port_.wants_to_write()) line.events |= POLLOUT;
    ::poll(&line, 1, -1);
    auto frames = port_.Receive(clock_.Now());
    DML_CHECK(!port_.broken(), "the connection holds");
    port_.Heartbeat(clock_.Now());
    return frames;
  }

  const SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable told_;
  int fd_ = -1;
  NodePort port_;
  BridgeLink link_;
};

// With a difference in its first bytes: a blob that the node does not have.
Digest MakeAnother(const std::string& path, int round) {
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file << fmt::format("{:08}", round);
  }
  return HashFile(path).value();
}

}  // namespace

void WriteContent(const std::string& path, std::size_t mebibytes, Content content) {
  std::ofstream file(path, std::ios::binary);
  std::mt19937_64 noise(std::hash<std::string>{}(path));
  std::string block(1U << 20, '\0');
  for (std::size_t i = 0; i < mebibytes; ++i) {
    if (content == Content::kText) {
      FillWithText(block, noise);
    } else {
      for (std::size_t at = 0; at < block.size(); at += sizeof(std::uint64_t)) {
        const std::uint64_t word = noise();
        std::copy_n(reinterpret_cast<const char*>(&word), sizeof word, block.data() + at);
      }
    }
    file.write(block.data(), static_cast<std::streamsize>(block.size()));
  }
}

void PrintBytesAlone(const Host& host, const WorkerProgram& worker, const std::string& folder,
                     std::size_t mebibytes, Content content) {
  const std::string path = folder + "/alone";
  WriteContent(path, mebibytes, content);
  Stage reached = Stage::kReach;
  auto opened = SshSession::Open(host, {}, reached);
  DML_CHECK(opened.ok(), "the server is there");
  SshSession& session = **opened;
  BareHead head(host, worker);
  Rates up;
  Rates down;
  Rates alone_up;
  Rates alone_down;
  for (int round = 0; round < kRounds; ++round) {
    const Digest digest = MakeAnother(path, round);
    const auto bytes = ReadFile(path);
    const auto hand_over = [&](const std::string& command) {
      const auto output = RunRemote(session, command, *bytes, kPatience);
      DML_CHECK(output.ok() && output->code == 0, "everything is taken");
    };
    hand_over("cat > ceiling");
    alone_up.Time(mebibytes, [&] { hand_over("exec cat > /dev/null"); });
    up.Time(mebibytes, [&] { head.Send(digest, path); });
    alone_down.Time(mebibytes, [&] {
      DML_CHECK(session.Exec("exec cat ceiling").ok(), "it has cat");
      std::size_t got = 0;
      for (auto more = session.Read(kReadBytes, kPatience); more.ok();
           more = session.Read(kReadBytes, kPatience)) {
        got += more->size();
      }
      DML_CHECK(got == bytes->size(), "everything arrives");
    });
    const std::string target = folder + "/fetched";
    down.Time(mebibytes,
              [&] { head.Fetch(digest, static_cast<std::int64_t>(bytes->size()), target); });
    std::filesystem::remove(target);
  }
  const std::string of = content == Content::kText ? ", of text" : "";
  PrintBeside("a blob up, alone" + of, up, alone_up);
  PrintBeside("a blob down, alone" + of, down, alone_down);
}

}  // namespace dml::ssh
