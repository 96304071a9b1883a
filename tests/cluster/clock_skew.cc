// Preloaded into a program: its wall clock is $DML_CLOCK_SKEW seconds off. If that is a path, the
// number is read from there at each look, so that the clock can be set while the program runs. Its
// other clocks, by which deadlines are kept, are as they were.

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

namespace {

time_t ReadNumber(const char* path) {
  char text[32] = {};
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t size = ::read(file, text, sizeof text - 1);
  ::close(file);
  return size > 0 ? static_cast<time_t>(std::atoll(text)) : 0;
}

time_t Skew() {
  static const char* const text = std::getenv("DML_CLOCK_SKEW");
  if (text == nullptr) return 0;
  return text[0] == '/' ? ReadNumber(text) : static_cast<time_t>(std::atoll(text));
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept {
  const long done = ::syscall(SYS_clock_gettime, clock, out);
  if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    out->tv_sec += Skew();
  }
  return static_cast<int>(done);
}

int gettimeofday(timeval* out, void*) noexcept {
  timespec now{};
  const int done = clock_gettime(CLOCK_REALTIME, &now);
  *out = {now.tv_sec, now.tv_nsec / 1000};
  return done;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}
}
