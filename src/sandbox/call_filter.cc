#include "sandbox/call_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace torrent {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr uint32_t kArchitecture = AUDIT_ARCH_RISCV64;
#else
constexpr uint32_t kArchitecture = 0;  // numbers and arguments may lie otherwise there
#endif

// The leak checker of AddressSanitizer stops the other threads by ptrace.
#ifdef TORRENT_SANITIZED
constexpr bool kMayTrace = true;
#else
constexpr bool kMayTrace = false;
#endif

constexpr uint32_t kRefused[] = {
    // Other programs, other processes.
    __NR_execve,
    __NR_execveat,
    __NR_process_vm_readv,
    __NR_process_vm_writev,
    __NR_pidfd_getfd,
    __NR_kcmp,
    __NR_perf_event_open,
    __NR_userfaultfd,
    __NR_personality,
    // Calls that go around this filter.
    __NR_io_uring_setup,
    __NR_io_uring_enter,
    __NR_io_uring_register,
    // The machine: its kernel, its clock, its names, its disks.
    __NR_bpf,
    __NR_kexec_load,
    __NR_init_module,
    __NR_finit_module,
    __NR_delete_module,
    __NR_reboot,
    __NR_syslog,
    __NR_acct,
    __NR_settimeofday,
    __NR_clock_settime,
    __NR_clock_adjtime,
    __NR_adjtimex,
    __NR_sethostname,
    __NR_setdomainname,
    __NR_swapon,
    __NR_swapoff,
    __NR_quotactl,
    __NR_vhangup,
    __NR_lookup_dcookie,
    // The kernel's keys.
    __NR_add_key,
    __NR_request_key,
    __NR_keyctl,
    // Another view of the files, or a way to them that no path leads.
    __NR_mount,
    __NR_umount2,
    __NR_pivot_root,
    __NR_chroot,
    __NR_unshare,
    __NR_setns,
    __NR_open_tree,
    __NR_move_mount,
    __NR_fsopen,
    __NR_fsconfig,
    __NR_fsmount,
    __NR_fspick,
    __NR_open_by_handle_at,
    __NR_fanotify_init,
    // What Landlock leaves open, in all versions or in the first two: owners, modes, times and lengths of files
    // anywhere.
    __NR_fchmodat,
    __NR_fchown,
    __NR_fchownat,
    __NR_setxattr,
    __NR_lsetxattr,
    __NR_fsetxattr,
    __NR_removexattr,
    __NR_lremovexattr,
    __NR_fremovexattr,
    __NR_utimensat,
    __NR_truncate,
    // Links and devices.
    __NR_symlinkat,
    __NR_mknodat,
#ifdef __NR_mount_setattr
    __NR_mount_setattr,
#endif
#ifdef __NR_quotactl_fd
    __NR_quotactl_fd,
#endif
#ifdef __NR_kexec_file_load
    __NR_kexec_file_load,
#endif
#ifdef __x86_64__
    // The older names of some of these, and what only this processor has.
    __NR_chmod,
    __NR_chown,
    __NR_lchown,
    __NR_utime,
    __NR_utimes,
    __NR_futimesat,
    __NR_symlink,
    __NR_mknod,
    __NR_iopl,
    __NR_ioperm,
    __NR_modify_ldt,
    __NR_uselib,
#endif
};

constexpr uint32_t kNewNamespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

// The low half of a call's argument: the kernel looks at no more of those that are looked at here.
constexpr uint32_t LowWordOf(int argument) {
  constexpr uint32_t kLow = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 4;
  return static_cast<uint32_t>(offsetof(struct seccomp_data, args)) + 8 * static_cast<uint32_t>(argument) + kLow;
}

// The filter as it grows. Jumps go forward by what is left out, so that none needs a label.
class Program {
 public:
  void Load(size_t offset) { Add(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)); }
  void Return(uint32_t action) { Add(BPF_RET | BPF_K, action); }
  void Refuse(uint32_t error = EPERM) { Return(SECCOMP_RET_ERRNO | error); }
  // Passes over the next `count` instructions unless what was loaded is `value`, or has one of the bits, or is at
  // least.
  void UnlessEqual(uint32_t value, uint8_t count) { Jump(BPF_JEQ, value, 0, count); }
  void UnlessAny(uint32_t bits, uint8_t count) { Jump(BPF_JSET, bits, 0, count); }
  void UnlessAtLeast(uint32_t value, uint8_t count) { Jump(BPF_JGE, value, 0, count); }
  void IfEqual(uint32_t value, uint8_t count) { Jump(BPF_JEQ, value, count, 0); }

  struct sock_fprog Code() {
    return {static_cast<unsigned short>(code_.size()), code_.data()};
  }

 private:
  void Add(uint32_t code, uint32_t k) { code_.push_back({static_cast<uint16_t>(code), 0, 0, k}); }
  void Jump(uint32_t test, uint32_t k, uint8_t if_true, uint8_t if_false) {
    code_.push_back({static_cast<uint16_t>(BPF_JMP | test | BPF_K), if_true, if_false, k});
  }
  std::vector<struct sock_filter> code_;
};

// What every filter begins with; the call's number is loaded then.
void Begin(Program* program) {
  program->Load(offsetof(struct seccomp_data, arch));
  program->IfEqual(kArchitecture, 1);
  program->Refuse();  // calls of the processor's other mode, which have other numbers
  program->Load(offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
  program->UnlessAtLeast(0x40000000, 1);  // x32: other numbers too
  program->Refuse();
#endif
}

Program MakeProgram(const CallFilterOptions& options) {
  Program program;
  Begin(&program);
  for (uint32_t call : kRefused) {
    program.UnlessEqual(call, 1);
    program.Refuse();
  }
  if (!kMayTrace) {
    program.UnlessEqual(__NR_ptrace, 1);
    program.Refuse();
  }
  // Its flags lie in memory, where a filter cannot look: a C library then starts its threads by clone.
  program.UnlessEqual(__NR_clone3, 1);
  program.Refuse(ENOSYS);
  program.UnlessEqual(__NR_clone, 4);
  program.Load(LowWordOf(0));
  program.UnlessAny(kNewNamespaces, 1);
  program.Refuse();
  program.Return(SECCOMP_RET_ALLOW);
  // Text put into the terminal as if it was typed: the shell would read it once we are gone.
  program.UnlessEqual(__NR_ioctl, 6);
  program.Load(LowWordOf(1));
  program.UnlessEqual(TIOCSTI, 1);
  program.Refuse();
  program.UnlessEqual(TIOCLINUX, 1);
  program.Refuse();
  program.Return(SECCOMP_RET_ALLOW);
  const uint32_t unix_or_none = options.unix_sockets ? AF_UNIX : AF_INET;
  const uint32_t families[] = {AF_INET, AF_INET6, AF_NETLINK, unix_or_none};
  program.UnlessEqual(__NR_socket, 10);
  program.Load(LowWordOf(0));
  for (uint32_t family : families) {
    program.UnlessEqual(family, 1);
    program.Return(SECCOMP_RET_ALLOW);
  }
  program.Refuse();
  program.Return(SECCOMP_RET_ALLOW);
  return program;
}

absl::Status Enter(Program program) {
  const struct sock_fprog code = program.Code();
  // Without the flag, kernels before 5.16 slow the whole process down against code that it was given to run; it runs
  // none.
  for (unsigned long flags : {static_cast<unsigned long>(SECCOMP_FILTER_FLAG_SPEC_ALLOW), 0ul}) {
    if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &code) == 0) return absl::OkStatus();
    if (errno != EINVAL) break;
  }
  if (errno == ENOSYS || errno == EINVAL) return absl::UnavailableError("the kernel has no filters of system calls");
  return absl::ErrnoToStatus(errno, "seccomp");
}

absl::Status UnknownProcessor() { return absl::UnavailableError("no filter of system calls for this processor"); }

}  // namespace

absl::Status EnterCallFilter(const CallFilterOptions& options) {
  return kArchitecture == 0 ? UnknownProcessor() : Enter(MakeProgram(options));
}

absl::Status EnterCallList(absl::Span<const uint32_t> allowed) {
  if (kArchitecture == 0) return UnknownProcessor();
  Program program;
  Begin(&program);
  for (uint32_t call : allowed) {
    program.UnlessEqual(call, 1);
    program.Return(SECCOMP_RET_ALLOW);
  }
  program.Refuse();
  return Enter(std::move(program));
}

}  // namespace torrent
