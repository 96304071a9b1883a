// Short tasks: how many are handed over ahead, and how long their news may wait for each other.

#include <gtest/gtest.h>

#include "orchestrator/engine/inbox.h"
#include "orchestrator/engine/prefetch.h"

namespace dml::engine {
namespace {

constexpr double kCpus = 2;
constexpr Duration kForEver = Duration::Seconds(3600);

Prefetch After(Duration wall) {
  Prefetch prefetch(1000);
  prefetch.Observe(wall);
  return prefetch;
}

TEST(Prefetch, NothingIsHandedOverAheadBeforeATaskWasSeen) {
  const Prefetch prefetch(1000);
  EXPECT_EQ(prefetch.Depth(kCpus), 0);
  EXPECT_EQ(prefetch.Patience(100, kCpus).ns, 0);
}

TEST(Prefetch, WorkersHaveEnoughForAFewMilliseconds) {
  EXPECT_EQ(After(Duration::Millis(1)).Depth(kCpus), 80);
  EXPECT_EQ(After(Duration::Seconds(1)).Depth(kCpus), 0) << "long tasks wait for their turn";
  EXPECT_EQ(After(Duration{1}).Depth(kCpus), 1000) << "the limit";
}

TEST(Prefetch, NewsNeverWaitUntilAWorkerRunsDry) {
  const Prefetch prefetch = After(Duration::Millis(1));
  for (const double waiting : {1.0, 2.0, 8.0, 100.0}) {
    const Duration busy = Duration::Millis(static_cast<std::int64_t>(waiting / kCpus));
    EXPECT_LE(prefetch.Patience(waiting, kCpus).ns, std::max<std::int64_t>(busy.ns, 250'000));
  }
  EXPECT_EQ(prefetch.Patience(0, kCpus).ns, 0);
  EXPECT_EQ(prefetch.Patience(1e6, kCpus), Duration::Millis(8));
}

TEST(Inbox, TheLimitHoldsWhileMoreIsWaitedFor) {
  Inbox inbox;
  inbox.Deliver(core::CancelRequested{});
  inbox.Wait(Duration{0}, kForEver);
  EXPECT_EQ(inbox.Drain().size(), 1U);
}

TEST(Inbox, AFreeLogEndsTheWait) {
  Inbox inbox;
  inbox.Deliver(core::CancelRequested{});
  inbox.Deliver(LogWritten{});
  inbox.Wait(std::nullopt, kForEver);
  EXPECT_EQ(inbox.Drain().size(), 2U);
}

TEST(Inbox, PlentyEndsTheWait) {
  Inbox inbox;
  for (std::size_t i = 0; i < Inbox::kPlenty; ++i) inbox.Deliver(core::CancelRequested{});
  inbox.Wait(std::nullopt, kForEver);
  EXPECT_EQ(inbox.Drain().size(), Inbox::kPlenty);
}

}  // namespace
}  // namespace dml::engine
