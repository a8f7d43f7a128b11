/*
 * The first process of a pod: it holds the pod's namespaces open and does nothing else.
 *
 * It ends with status 0 on SIGTERM or SIGINT, and waits for children, since in a pod with one PID namespace
 * for all containers every orphaned process becomes its child.
 *
 * No C library: a handful of system calls is all there is. There are no signal handlers either. The signals
 * are blocked and then waited for; the kernel never drops a blocked signal, not even for the first process
 * of a PID namespace, which it otherwise shields from signals without a handler.
 */

typedef unsigned long signal_set; /* The kernel's own: one bit a signal, signal 1 the lowest. */

enum { sigint = 2, sigterm = 15, sigchld = 17 };
enum { sig_block = 0, wnohang = 1, any_child = -1 };

#define SET_OF(signal) (1UL << ((signal) - 1))

#if defined(__x86_64__)

enum { sys_rt_sigprocmask = 14, sys_wait4 = 61, sys_rt_sigtimedwait = 128, sys_exit_group = 231 };

static long system_call(long number, long a, long b, long c, long d) {
  register long r10 __asm__("r10") = d;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

enum { sys_exit_group = 94, sys_rt_sigprocmask = 135, sys_rt_sigtimedwait = 137, sys_wait4 = 260 };

static long system_call(long number, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}

#else
#error "no system calls are known for this architecture"
#endif

__attribute__((noreturn)) void _start(void) {
  const signal_set awaited = SET_OF(sigint) | SET_OF(sigterm) | SET_OF(sigchld);
  system_call(sys_rt_sigprocmask, sig_block, (long)&awaited, 0, sizeof awaited);
  for (;;) {
    /* One SIGCHLD may stand for many children, and some may have ended before it was blocked. */
    while (system_call(sys_wait4, any_child, 0, wnohang, 0) > 0) {
    }
    const long signal = system_call(sys_rt_sigtimedwait, (long)&awaited, 0, 0, sizeof awaited);
    if (signal == sigint || signal == sigterm) {
      system_call(sys_exit_group, 0, 0, 0, 0);
    }
  }
}
