// measure: what a run of a program costs.   measure REPORT PROGRAM [ARGUMENT...]
//
// Writes "WALL CPU RESIDENT STATUS" into the file REPORT: seconds from the start to the end; seconds of user and system
// time, children that were waited for included; KiB of the process that was largest at its peak; and the exit status as
// a shell has it. The kernel counts these itself, so nothing watches while the program runs. That this is a program of
// its own, and a small one, is on purpose: a process inherits its parent's peak, which for an interpreter is more than
// some clients ever need.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>

namespace {

double Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const double started = Now();
  const pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    _exit(127);
  }
  int status = 0;
  rusage usage;
  if (wait4(child, &status, 0, &usage) != child) return 1;
  const double wall = Now() - started;
  FILE* report = fopen(argv[1], "w");
  if (report == nullptr) return 1;
  fprintf(report, "%.4f %.4f %ld %d\n", wall, Seconds(usage.ru_utime) + Seconds(usage.ru_stime), usage.ru_maxrss,
          WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return fclose(report) == 0 ? 0 : 1;
}
