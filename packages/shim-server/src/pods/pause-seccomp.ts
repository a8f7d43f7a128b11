/**
 * System calls that the pause process and, on its way there, the OCI runtime make once the filter
 * is in force: pause waits for signals and children; runc (a Go program) tells its parent that it
 * is ready and executes pause. All are in Docker's default profile too.
 */
const allowed = [
  // The pause program.
  ...["rt_sigprocmask", "rt_sigtimedwait", "wait4", "exit_group", "exit", "pause"],
  // Telling readiness and executing.
  ...["openat", "openat2", "open", "read", "write", "close", "close_range", "fcntl", "dup", "dup3"],
  ...["execve", "execveat", "prctl", "arch_prctl", "fchdir", "chdir", "getcwd", "readlinkat"],
  ...["fstat", "fstatfs", "newfstatat", "statx", "statfs", "lseek", "getdents64", "ioctl"],
  ...["getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "capget", "capset"],
  ...["setuid", "setgid", "setgroups", "setresuid", "setresgid", "kill", "tgkill", "uname"],
  // Go's scheduler and memory.
  ...["futex", "mmap", "munmap", "mprotect", "madvise", "brk", "mincore", "sched_yield"],
  ...["sched_getaffinity", "nanosleep", "clock_nanosleep", "clock_gettime", "restart_syscall"],
  ...["rt_sigaction", "rt_sigreturn", "sigaltstack", "set_robust_list", "set_tid_address", "rseq"],
  ...["epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait", "eventfd2", "pipe2", "getrandom"],
  ...["prlimit64", "timer_create", "timer_settime", "timer_delete", "setitimer", "membarrier"],
];

/** `CLONE_NEW*`: a thread may be made, a namespace may not. */
const namespaceFlags = 0x7e02_0000;

const enosys = 38;

/**
 * A seccomp profile for our own pause image, as JSON text for Docker's `SecurityOpt`.
 *
 * It allows less than Docker's default profile and costs less to install: each start of a sandbox
 * is shorter by the time that the engine and runc need for the default's several hundred rules.
 */
export const pauseSeccompProfile: string = JSON.stringify({
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: 1,
  syscalls: [
    { names: allowed, action: "SCMP_ACT_ALLOW" },
    {
      names: ["clone"],
      action: "SCMP_ACT_ALLOW",
      args: [{ index: 0, value: namespaceFlags, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
    },
    // Its flags are in memory, where a filter cannot look; told that it is missing, callers clone.
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: enosys },
  ],
});
