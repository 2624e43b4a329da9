#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <atomic>

#include "base/thread.h"
#include "base/unique_fd.h"
#include "sandbox/call_filter.h"
#include "test/sandbox/shut_in_child.h"

namespace torrent {
namespace {

// Answers the number of the first call whose error is not EPERM.
int FirstNotRefused(std::initializer_list<std::function<long()>> calls) {
  int number = 1;
  for (const auto& call : calls) {
    if (ErrorOf(call()) != EPERM) return number;
    ++number;
  }
  return 0;
}

TEST(CallsTest, NoOtherProgram) {
  EXPECT_EQ(InSandbox({{"/"}, {}},
                      [] {
                        char path[] = "/bin/true";
                        char* argv[] = {path, nullptr};
                        return FirstNotRefused({[&] { return execv(path, argv); },
                                                [&] {
                                                  const int fd = open(path, O_PATH | O_CLOEXEC);
                                                  return syscall(__NR_execveat, fd, "", argv, nullptr, AT_EMPTY_PATH);
                                                }});
                      }),
            0);
}

TEST(CallsTest, NoOtherProcess) {
  EXPECT_EQ(InSandbox({},
                      [] {
                        char byte;
                        struct iovec part = {&byte, 1};
                        const pid_t parent = getppid();
                        return FirstNotRefused({
                            [&] { return process_vm_readv(parent, &part, 1, &part, 1, 0); },
                            [&] { return process_vm_writev(parent, &part, 1, &part, 1, 0); },
                            [&] { return kill(parent, SIGUSR1); },  // by Landlock
#ifndef TORRENT_SANITIZED
                            [&] { return ptrace(PTRACE_SEIZE, parent, nullptr, nullptr); },
#endif
                        });
                      }),
            0);
}

TEST(CallsTest, NothingThatChangesTheMachineOrLeadsAround) {
  EXPECT_EQ(InSandbox({},
                      [] {
                        return FirstNotRefused({
                            [] { return mount("none", "/tmp", "tmpfs", 0, nullptr); },
                            [] { return unshare(CLONE_NEWUSER); },
                            [] { return syscall(__NR_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, 0); },
                            [] { return chroot("/tmp"); },
                            [] { return syscall(__NR_bpf, 0, nullptr, 0); },
                            [] { return syscall(__NR_keyctl, 0, -3, 0); },
                            [] { return syscall(__NR_userfaultfd, 0); },
                            [] { return syscall(__NR_perf_event_open, nullptr, 0, -1, -1, 0); },
                            [] { return syscall(__NR_io_uring_setup, 1, nullptr); },
                            [] { return syscall(__NR_finit_module, -1, "", 0); },
                            [] { return syscall(__NR_kexec_load, 0, 0, nullptr, 0); },
                            [] { return syscall(__NR_clock_settime, CLOCK_REALTIME, nullptr); },
                            [] { return syscall(__NR_open_by_handle_at, AT_FDCWD, nullptr, O_RDONLY); },
                            [] { return ioctl(0, TIOCSTI, "x"); },
                        });
                      }),
            0);
}

#ifdef __x86_64__
// Numbers of other modes of the processor would go around a filter that looks at the number alone.
TEST(CallsTest, NoCallsOfOtherModes) {
  EXPECT_EQ(InSandbox({}, [] { return FirstNotRefused({[] { return syscall(0x40000000 + __NR_getpid); }}); }), 0);
  const auto get_pid_of_32_bits = [] {
    signal(SIGSEGV, [](int) { _exit(2); });
    long result = 20;
    asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return result == -EPERM ? 0 : 1;
  };
  const int in_sandbox = InSandbox({}, get_pid_of_32_bits);
  if (in_sandbox == 0) return;
  // A kernel without that mode answers by a signal, and so it does outside.
  ASSERT_EQ(in_sandbox, 2);
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) _exit(get_pid_of_32_bits());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 2) << status;
}
#endif

TEST(CallsTest, SocketsOfTheInternetOnly) {
  EXPECT_EQ(InSandbox({},
                      [] {
                        for (int family : {AF_INET, AF_INET6}) {
                          for (int kind : {SOCK_STREAM, SOCK_DGRAM}) {
                            if (!UniqueFd(socket(family, kind | SOCK_CLOEXEC, 0)).valid()) return 100 + family;
                          }
                        }
                        return FirstNotRefused({
                            [] { return socket(AF_PACKET, SOCK_DGRAM, 0); },
                            [] { return socket(AF_ALG, SOCK_SEQPACKET, 0); },
                            [] { return socket(AF_VSOCK, SOCK_STREAM, 0); },
                        });
                      }),
            0);
}

TEST(CallsTest, UnixSocketsWhereTheyAreNeeded) {
  for (const bool needed : {false, true}) {
    fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      if (syscall(__NR_prctl, 38 /* PR_SET_NO_NEW_PRIVS */, 1, 0, 0, 0) != 0) _exit(1);
      if (!EnterCallFilter({.unix_sockets = needed}).ok()) _exit(2);
      _exit(UniqueFd(socket(AF_UNIX, SOCK_STREAM, 0)).valid() == needed ? 0 : 3);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
}

// Threads start by clone where clone3 is refused, and are shut in as who started them.
TEST(CallsTest, ThreadsStartAndAreShutIn) {
  EXPECT_EQ(InSandbox({},
                      [] {
                        std::atomic<int> error{0};
                        absl::StatusOr<Thread> thread = Thread::Start(
                            "test", [&error] { error = ErrorOf(open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); });
                        if (!thread.ok()) return 1;
                        thread->Join();
                        return error == EACCES ? 0 : 2;
                      }),
            0);
}

TEST(CallsTest, NamesAreResolved) {
  EXPECT_EQ(InSandbox({},
                      [] {
                        struct addrinfo* list = nullptr;
                        struct addrinfo hints = {};
                        hints.ai_socktype = SOCK_STREAM;
                        const int error = getaddrinfo("localhost", "80", &hints, &list);
                        if (error != 0) return 1;
                        freeaddrinfo(list);
                        return 0;
                      }),
            0);
}

}  // namespace
}  // namespace torrent
