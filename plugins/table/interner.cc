#include "plugins/table/interner.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace dml::table {

namespace {

constexpr std::size_t kSlotsMin = 64;

std::uint64_t Load(const char* data, std::size_t count) {
  std::uint64_t word = 0;
  std::memcpy(&word, data, count);
  return word;
}

// Multiply-xorshift over 8-byte words. Never stored, so it may change freely.
std::uint32_t HashOf(std::string_view text) {
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15ULL;
  std::uint64_t hash = text.size() * kMultiplier;
  const char* data = text.data();
  std::size_t left = text.size();
  for (; left >= 8; data += 8, left -= 8) {
    hash = (hash ^ Load(data, 8)) * kMultiplier;
    hash ^= hash >> 32;
  }
  hash = (hash ^ Load(data, left)) * kMultiplier;
  return static_cast<std::uint32_t>(hash >> 32);
}

}  // namespace

Interner::Interner() : slots_(kSlotsMin) {}

void Interner::Clear() {
  slots_.assign(kSlotsMin, Slot{});
  bytes_.clear();
  offsets_.assign(1, 0);
}

std::int32_t Interner::Intern(std::string_view text) {
  const std::uint32_t hash = HashOf(text);
  const std::size_t mask = slots_.size() - 1;
  std::size_t at_slot = hash & mask;
  while (slots_[at_slot].index >= 0) {
    const Slot& slot = slots_[at_slot];
    if (slot.hash == hash && at(static_cast<std::size_t>(slot.index)) == text) return slot.index;
    at_slot = (at_slot + 1) & mask;
  }
  const auto index = static_cast<std::int32_t>(size());
  slots_[at_slot] = {hash, index};
  bytes_.insert(bytes_.end(), text.begin(), text.end());
  offsets_.push_back(bytes_.size());
  if (size() * 2 > slots_.size()) Grow();
  return index;
}

void Interner::Grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.index < 0) continue;
    std::size_t at_slot = slot.hash & mask;
    while (slots_[at_slot].index >= 0) at_slot = (at_slot + 1) & mask;
    slots_[at_slot] = slot;
  }
}

std::vector<std::int32_t> Interner::SortedOrder() const {
  std::vector<std::int32_t> order(size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [this](std::int32_t a, std::int32_t b) {
    return at(static_cast<std::size_t>(a)) < at(static_cast<std::size_t>(b));
  });
  return order;
}

}  // namespace dml::table
