import { Signal } from "@dockershim/cri-types";

// CRI spells the real-time signals as identifiers, Docker with a sign.
const plus = /^SIGRTMINPLUS(\d+)$/;
const minus = /^SIGRTMAXMINUS(\d+)$/;

/** Docker's name of a CRI signal; undefined for RUNTIME_DEFAULT, which leaves it to the image. */
export function toDockerSignal(signal: Signal): string | undefined {
  if (signal === Signal.RUNTIME_DEFAULT) return undefined;
  const name = Signal[signal];
  return name?.replace(plus, "SIGRTMIN+$1").replace(minus, "SIGRTMAX-$1");
}

// Numbers as Linux has them on every architecture Docker runs on but MIPS.
const byNumber: readonly Signal[] = [
  Signal.RUNTIME_DEFAULT,
  Signal.SIGHUP,
  Signal.SIGINT,
  Signal.SIGQUIT,
  Signal.SIGILL,
  Signal.SIGTRAP,
  Signal.SIGABRT,
  Signal.SIGBUS,
  Signal.SIGFPE,
  Signal.SIGKILL,
  Signal.SIGUSR1,
  Signal.SIGSEGV,
  Signal.SIGUSR2,
  Signal.SIGPIPE,
  Signal.SIGALRM,
  Signal.SIGTERM,
  Signal.SIGSTKFLT,
  Signal.SIGCHLD,
  Signal.SIGCONT,
  Signal.SIGSTOP,
  Signal.SIGTSTP,
  Signal.SIGTTIN,
  Signal.SIGTTOU,
  Signal.SIGURG,
  Signal.SIGXCPU,
  Signal.SIGXFSZ,
  Signal.SIGVTALRM,
  Signal.SIGPROF,
  Signal.SIGWINCH,
  Signal.SIGIO,
  Signal.SIGPWR,
  Signal.SIGSYS,
];

/**
 * The CRI signal of a `STOPSIGNAL` as images write it: by name, with or without `SIG`, in any
 * case, or by number.
 *
 * @returns SIGTERM for empty text, which is Docker's default; RUNTIME_DEFAULT for text that
 *   names no signal
 */
export function fromDockerSignal(text: string): Signal {
  if (text === "") return Signal.SIGTERM;
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    // glibc keeps 32 and 33 for itself, so SIGRTMIN is 34 and SIGRTMAX 64.
    if (number >= 34 && number <= 64) return Signal.SIGRTMIN + (number - 34);
    return byNumber[number] ?? Signal.RUNTIME_DEFAULT;
  }
  const name = text
    .toUpperCase()
    .replace(/^(?!SIG)/, "SIG")
    .replace(/^SIGRTMIN\+(\d+)$/, "SIGRTMINPLUS$1")
    .replace(/^SIGRTMAX-(\d+)$/, "SIGRTMAXMINUS$1");
  return Signal[name as keyof typeof Signal] ?? Signal.RUNTIME_DEFAULT;
}
