// A process to be shut in: the cage cannot be left again, so each test gives it a child of its own.
#ifndef TORRENT_TEST_SANDBOX_SHUT_IN_CHILD_H_
#define TORRENT_TEST_SANDBOX_SHUT_IN_CHILD_H_

#include <errno.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "sandbox/sandbox.h"

namespace torrent {

// Runs `body` in a child that has entered the sandbox with `places`. What it answers is what the child answers: a
// number from 0 to 125; 126 when the machine's kernel has less than all of it, -1 when a signal ended the child.
inline int InSandbox(const SandboxPlaces& places, const std::function<int()>& body) {
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    const Sandbox sandbox = EnterSandbox(places);
    if (!sandbox.files || !sandbox.calls) {
      fprintf(stderr, "sandbox: %s\n", sandbox.text.c_str());
      _exit(126);
    }
    _exit(body());
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// 0, or the error of a call that answers -1 for one.
inline int ErrorOf(long result) { return result == -1 ? errno : 0; }

}  // namespace torrent

#endif  // TORRENT_TEST_SANDBOX_SHUT_IN_CHILD_H_
