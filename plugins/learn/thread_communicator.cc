#include "plugins/learn/thread_communicator.h"

#include <cstring>

namespace dml::learn {

class ThreadGroup::Rank final : public Communicator {
 public:
  Rank(ThreadGroup& group, int rank) : group_(group), rank_(rank) {}

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return group_.size_; }

  Result<void> AllReduce(std::span<std::int64_t> values) override {
    const auto bytes = std::as_bytes(values);
    Own().assign(bytes.begin(), bytes.end());
    group_.Meet();
    std::vector<std::int64_t> sums(values.size(), 0);
    std::vector<std::int64_t> part(values.size());
    for (const std::vector<std::byte>& box : group_.boxes_) {
      if (!box.empty()) std::memcpy(part.data(), box.data(), box.size());
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += part[i];
    }
    group_.Meet();
    std::copy(sums.begin(), sums.end(), values.begin());
    return {};
  }

  Result<void> Broadcast(std::vector<std::byte>& bytes) override {
    if (rank_ == 0) Own() = bytes;
    group_.Meet();
    if (rank_ != 0) bytes = group_.boxes_.front();
    group_.Meet();
    return {};
  }

  Result<std::vector<std::vector<std::byte>>> Gather(std::span<const std::byte> bytes) override {
    Own().assign(bytes.begin(), bytes.end());
    group_.Meet();
    std::vector<std::vector<std::byte>> all;
    if (rank_ == 0) all = group_.boxes_;
    group_.Meet();
    return all;
  }

  Result<void> Barrier() override {
    group_.Meet();
    return {};
  }

 private:
  std::vector<std::byte>& Own() { return group_.boxes_[static_cast<std::size_t>(rank_)]; }

  ThreadGroup& group_;
  const int rank_;
};

ThreadGroup::ThreadGroup(int size) : size_(size), boxes_(static_cast<std::size_t>(size)) {}

ThreadGroup::~ThreadGroup() = default;

std::unique_ptr<Communicator> ThreadGroup::MakeRank(int rank) {
  DML_CHECK(rank >= 0 && rank < size_, "a rank of this group");
  return std::make_unique<Rank>(*this, rank);
}

void ThreadGroup::Meet() {
  std::unique_lock lock(mutex_);
  const std::uint64_t mine = meeting_;
  if (++waiting_ == size_) {
    waiting_ = 0;
    ++meeting_;
    arrived_.notify_all();
    return;
  }
  arrived_.wait(lock, [&] { return meeting_ != mine; });
}

}  // namespace dml::learn
