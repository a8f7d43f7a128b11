/*
 * Lets a daemon change a container's OCI spec between the engine that wrote it and the runtime that reads it.
 *
 * By its name it stands in for one of two programs, and becomes that one in the end, with the same arguments:
 *
 *   containerd-shim-dockershim-v2   containerd-shim-runc-v2; its last argument is "start" when a container is
 *                                   about to be made, and its working folder is the container's bundle
 *   dockershim-runc                 runc; "create" is among its arguments then, and "--bundle PATH"
 *
 * Then it says the bundle's path to whoever listens on /run/dockershim/spec-hook/ID, where ID is the last part of
 * that path, and waits for one of two answers: "ok", or why the container must not start. The latter it writes where
 * containerd takes it from, and ends with status 1: a shim's is its standard error, runc's the file that "--log" names.
 * So it does when nobody answers.
 *
 * No C library: a handful of system calls is all there is, and a static program of one needs none of its own.
 */

#define MEETING_PLACE "/run/dockershim/spec-hook/"
#define GREETING "spec-hook 1 "

enum { patience_seconds = 10 };
enum { max_path = 4096, max_address = 108, max_answer = 1024, max_id = 64 };

/* From the kernel's headers, the same for both architectures. */
enum { af_unix = 1, sock_stream = 1, sock_cloexec = 02000000, sol_socket = 1, so_rcvtimeo = 20, so_sndtimeo = 21 };
enum { msg_nosignal = 0x4000, standard_error = 2, at_fdcwd = -100, eintr = 4, eagain = 11 };
enum { o_wronly = 01, o_creat = 0100, o_append = 02000, o_cloexec = 02000000 };

#if defined(__x86_64__)

enum {
  sys_write = 1,
  sys_read = 0,
  sys_socket = 41,
  sys_connect = 42,
  sys_sendto = 44,
  sys_setsockopt = 54,
  sys_execve = 59,
  sys_getcwd = 79,
  sys_getppid = 110,
  sys_exit_group = 231,
  sys_openat = 257,
  sys_readlinkat = 267
};

static long system_call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall run\n");

#elif defined(__aarch64__)

enum {
  sys_getcwd = 17,
  sys_openat = 56,
  sys_read = 63,
  sys_write = 64,
  sys_readlinkat = 78,
  sys_exit_group = 94,
  sys_getppid = 173,
  sys_socket = 198,
  sys_connect = 203,
  sys_sendto = 206,
  sys_setsockopt = 208,
  sys_execve = 221
};

static long system_call(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}

__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl run\n");

#else
#error "no system calls are known for this architecture"
#endif

struct unix_address {
  unsigned short family;
  char path[max_address];
};

static long length(const char *text) {
  long count = 0;
  while (text[count] != 0) count++;
  return count;
}

static int same(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a == *b;
}

static const char *last_part(const char *path) {
  const char *part = path;
  for (; *path != 0; path++) {
    if (*path == '/') part = path + 1;
  }
  return part;
}

/* Appends; what does not fit with its final NUL makes the whole text empty, which no path is. Texts are begun by
 * hand and not by an initializer, for which compilers call a function of the C library. */
static void append(char *text, long size, const char *more, long count) {
  const long used = length(text);
  if (used + count >= size) {
    text[0] = 0;
    return;
  }
  for (long i = 0; i < count; i++) text[used + i] = more[i];
  text[used + count] = 0;
}

static void say(long file, const char *text, long count) { system_call(sys_write, file, (long)text, count, 0, 0, 0); }

/* Adds an error to a log as runc writes it in JSON; what JSON may not have in a text becomes a space. */
static void log_error(const char *log, const char *reason, long count) {
  const long file = system_call(sys_openat, at_fdcwd, (long)log, o_wronly | o_creat | o_append | o_cloexec, 0644, 0, 0);
  if (file < 0) return;
  char line[2 * max_answer + 64];
  line[0] = 0;
  append(line, sizeof line, "{\"level\":\"error\",\"msg\":\"dockershim: ", 36);
  for (long i = 0; i < count; i++) {
    const char byte = reason[i];
    if (byte == '"' || byte == '\\') append(line, sizeof line, "\\", 1);
    append(line, sizeof line, (unsigned char)byte < ' ' ? " " : &byte, 1);
  }
  append(line, sizeof line, "\"}\n", 3);
  say(file, line, length(line));
}

/* `log` is the file that runc's errors go to; 0 for a shim's. */
__attribute__((noreturn)) static void give_up(const char *log, const char *reason, long count) {
  if (log != 0) log_error(log, reason, count);
  say(standard_error, "dockershim: ", 12);
  say(standard_error, reason, count);
  say(standard_error, "\n", 1);
  for (;;) system_call(sys_exit_group, 1, 0, 0, 0, 0, 0);
}

#define GIVE_UP(log, reason) give_up(log, reason, sizeof reason - 1)

/* Becomes the program of that name in the folder; comes back if there is none. */
static void become(const char *folder, long count, const char *name, char **arguments, char **environment) {
  char path[max_path];
  path[0] = 0;
  append(path, sizeof path, folder, count);
  append(path, sizeof path, "/", 1);
  append(path, sizeof path, name, length(name));
  if (path[0] != '/') return;
  system_call(sys_execve, (long)path, (long)arguments, (long)environment, 0, 0, 0);
}

static const char *variable(char **environment, const char *name) {
  const long count = length(name);
  for (; *environment != 0; environment++) {
    long i = 0;
    while (i < count && (*environment)[i] == name[i]) i++;
    if (i == count && (*environment)[i] == '=') return *environment + count + 1;
  }
  return "";
}

/* Digits of a number of at least one. */
static void append_number(char *text, long size, unsigned long number) {
  char digits[20];
  long first = sizeof digits;
  for (; number > 0; number /= 10) digits[--first] = (char)('0' + number % 10);
  append(text, size, digits + first, (long)sizeof digits - first);
}

/* Looks where containerd does: on the PATH, then beside its own program, which is our parent. */
__attribute__((noreturn)) static void become_real(const char *log, const char *name, char **arguments,
                                                  char **environment) {
  const char *folders = variable(environment, "PATH");
  while (*folders != 0) {
    long count = 0;
    while (folders[count] != 0 && folders[count] != ':') count++;
    become(folders, count, name, arguments, environment);
    folders += count;
    if (*folders == ':') folders++;
  }
  char link[64];
  link[0] = 0;
  append(link, sizeof link, "/proc/", 6);
  append_number(link, sizeof link, (unsigned long)system_call(sys_getppid, 0, 0, 0, 0, 0, 0));
  append(link, sizeof link, "/exe", 4);
  char program[max_path];
  const long count = system_call(sys_readlinkat, at_fdcwd, (long)link, (long)program, sizeof program - 1, 0, 0);
  if (count > 0) {
    program[count] = 0;
    become(program, last_part(program) - program - 1, name, arguments, environment);
  }
  GIVE_UP(log, "the runtime that the spec hook stands in for is not on the PATH");
}

/* Asks about a bundle; comes back only if the container may start. */
static void ask(const char *log, const char *bundle) {
  struct unix_address address;
  address.family = af_unix;
  address.path[0] = 0;
  append(address.path, sizeof address.path, MEETING_PLACE, sizeof MEETING_PLACE - 1);
  const char *id = last_part(bundle);
  if (length(id) == 0 || length(id) > max_id) GIVE_UP(log, "the bundle is not named after a container");
  append(address.path, sizeof address.path, id, length(id));

  const long socket = system_call(sys_socket, af_unix, sock_stream | sock_cloexec, 0, 0, 0, 0);
  const struct {
    long seconds, microseconds;
  } patience = {patience_seconds, 0};
  system_call(sys_setsockopt, socket, sol_socket, so_rcvtimeo, (long)&patience, sizeof patience, 0);
  system_call(sys_setsockopt, socket, sol_socket, so_sndtimeo, (long)&patience, sizeof patience, 0);
  if (system_call(sys_connect, socket, (long)&address, sizeof address, 0, 0, 0) != 0) {
    GIVE_UP(log, "the daemon that has to complete this container's spec does not run or does not know the container");
  }
  char question[max_path + 16];
  question[0] = 0;
  append(question, sizeof question, GREETING, sizeof GREETING - 1);
  append(question, sizeof question, bundle, length(bundle));
  append(question, sizeof question, "\n", 1);
  const long asked = length(question);
  if (system_call(sys_sendto, socket, (long)question, asked, msg_nosignal, 0, 0) != asked) {
    GIVE_UP(log, "the daemon that has to complete this container's spec takes no question");
  }
  char answer[max_answer];
  long count = 0;
  while (count < max_answer) {
    const long got = system_call(sys_read, socket, (long)(answer + count), max_answer - count, 0, 0, 0);
    if (got == -eintr) continue;
    if (got == -eagain) GIVE_UP(log, "the daemon that has to complete this container's spec took too long");
    if (got <= 0) break;
    count += got;
  }
  /* With the line's end: what a daemon that died had not finished is no consent. */
  if (count == 3 && answer[0] == 'o' && answer[1] == 'k' && answer[2] == '\n') return;
  if (count == 0) GIVE_UP(log, "the daemon that has to complete this container's spec went away");
  if (answer[count - 1] == '\n') count--;
  give_up(log, answer, count);
}

__attribute__((noreturn, used)) void run(long *stack) {
  const long count = stack[0];
  char **arguments = (char **)(stack + 1);
  char **environment = arguments + count + 1;
  if (count > 0 && same(last_part(arguments[0]), "dockershim-runc")) {
    const char *bundle = 0;
    const char *log = 0;
    int creates = 0;
    for (long i = 1; i < count; i++) {
      if (same(arguments[i], "create")) creates = 1;
      if (same(arguments[i], "--bundle") && i + 1 < count) bundle = arguments[i + 1];
      if (same(arguments[i], "--log") && i + 1 < count) log = arguments[i + 1];
    }
    if (creates && bundle != 0) ask(log, bundle);
    become_real(log, "runc", arguments, environment);
  }
  const char *log = 0;
  if (count > 0 && same(arguments[count - 1], "start")) {
    char bundle[max_path];
    if (system_call(sys_getcwd, (long)bundle, sizeof bundle, 0, 0, 0, 0) <= 0) {
      GIVE_UP(log, "the bundle's path cannot be read");
    }
    ask(log, bundle);
  }
  become_real(log, "containerd-shim-runc-v2", arguments, environment);
}
