#include "plugins/learn/fit_loop.h"

#include <atomic>
#include <mutex>
#include <thread>

#include "base/json.h"

namespace dml::learn {

namespace {

// The last byte of what a rank says: before it its part, or the failure as JSON.
constexpr std::byte kOk{1};
constexpr std::byte kFailed{0};

std::vector<std::byte> Wrap(Result<std::vector<std::byte>> result) {
  if (result.ok()) {
    std::vector<std::byte> out = std::move(result).value();
    out.push_back(kOk);
    return out;
  }
  const Error& error = result.error();
  const Json json{{"kind", static_cast<int>(error.kind)},
                  {"message", error.message},
                  {"hint", error.hint},
                  {"where", error.where}};
  const std::string text = CanonicalJson(json);
  const auto bytes = std::as_bytes(std::span(text));
  std::vector<std::byte> out(bytes.begin(), bytes.end());
  out.push_back(kFailed);
  return out;
}

Result<std::vector<std::byte>> Unwrap(std::vector<std::byte> bytes) {
  DML_CHECK(!bytes.empty(), "a rank always says something");
  const std::byte verdict = bytes.back();
  bytes.pop_back();
  if (verdict == kOk) return bytes;
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  const Json json = Json::parse(text, text + bytes.size());
  return Error{static_cast<ErrorKind>(json.at("kind").get<int>()),
               json.at("message").get<std::string>(), json.at("hint").get<std::string>(),
               json.at("where").get<std::string>()};
}

// The next tile to hand out, and the failure of the smallest failed tile.
struct Round {
  std::atomic<std::size_t> next;
  std::atomic<bool> stop = false;
  std::mutex mutex;
  std::optional<std::pair<std::size_t, Error>> failure;  // guarded by mutex
};

void Report(Round& round, std::size_t tile, Error error) {
  const std::lock_guard lock(round.mutex);
  if (!round.failure || tile < round.failure->first) round.failure.emplace(tile, std::move(error));
  round.stop = true;
}

}  // namespace

Result<void> ForEachTile(std::size_t first, std::size_t last, const Execution& execution,
                         const std::function<Result<void>(std::size_t)>& work) {
  Round round{.next = first, .mutex = {}, .failure = {}};
  const auto body = [&] {
    while (!round.stop) {
      const std::size_t tile = round.next++;
      if (tile >= last) return;
      if (execution.stop.stop_requested()) {
        return Report(round, tile, Error::Cancelled("the fit was cancelled"));
      }
      Result<void> status = work(tile);
      if (!status.ok()) Report(round, tile, std::move(status).error());
    }
  };
  {
    const std::size_t tiles = last > first ? last - first : 0;
    const std::size_t threads =
        std::min(tiles, static_cast<std::size_t>(std::max(1, execution.threads)));
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < threads; ++i) others.emplace_back(body);
    body();
  }
  if (round.failure) return std::move(round.failure->second);
  return {};
}

std::pair<std::size_t, std::size_t> OwnedTiles(std::size_t count,
                                               const Communicator* communicator) {
  if (communicator == nullptr) return {0, count};
  const auto rank = static_cast<std::size_t>(communicator->rank());
  const auto size = static_cast<std::size_t>(communicator->size());
  return {count * rank / size, count * (rank + 1) / size};
}

Result<std::vector<std::byte>> ExchangeParts(
    Communicator& communicator, Result<std::vector<std::byte>> mine,
    const std::function<std::vector<std::byte>(const std::vector<std::vector<std::byte>>&)>&
        combine) {
  DML_TRY(auto gathered, communicator.Gather(Wrap(std::move(mine))));
  std::vector<std::byte> answer;
  if (communicator.rank() == 0) {
    std::vector<std::vector<std::byte>> parts;
    std::optional<Error> failure;
    for (auto& bytes : gathered) {
      Result<std::vector<std::byte>> part = Unwrap(std::move(bytes));
      if (part.ok()) {
        parts.push_back(std::move(part).value());
      } else if (!failure) {
        failure = std::move(part).error();
      }
    }
    answer = Wrap(failure ? Result<std::vector<std::byte>>(*failure)
                          : Result<std::vector<std::byte>>(combine(parts)));
  }
  DML_RETURN_IF_ERROR(communicator.Broadcast(answer));
  return Unwrap(std::move(answer));
}

}  // namespace dml::learn
