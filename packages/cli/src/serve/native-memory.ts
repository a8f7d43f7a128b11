import { readFileSync, readlinkSync } from "node:fs";
import koffi from "koffi";

/** What the process asks of the C library and the kernel, for memory outside V8's heap. */
export interface NativeMemory {
  /** Gives whole pages that are free back to the kernel, as malloc_trim(3) does. */
  trim(): void;
  /**
   * Lets go of the program's own pages. The kernel keeps them in its cache, and maps those again that are
   * used; what only a start needs stays out.
   */
  unmapProgram(): void;
}

// Parameters of mallopt(3) from glibc's malloc.h, and advice of madvise(2).
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
const M_ARENA_MAX = -8;
const MADV_DONTNEED = 4;

const mmapThresholdBytes = 64 * 1024;
const trimThresholdBytes = 128 * 1024;

/**
 * Has the C library keep little of what is freed, for the whole process; best called before it has
 * many threads. Where that is not glibc all stays as it is.
 *
 * By default each thread gets a heap of its own, and a large buffer that was freed once raises the size
 * up to which buffers come out of those heaps. Both keep what a burst took for ever. See
 * docs/performance.md for the figures.
 */
export function keepNativeMemorySmall(): NativeMemory {
  const libc = koffi.load(null);
  const madvise = libc.func("int madvise(uintptr_t address, size_t length, int advice)");
  const unmapProgram = () => {
    for (const { from, to } of programMappings()) madvise(from, to - from, MADV_DONTNEED);
  };
  try {
    const mallopt = libc.func("int mallopt(int parameter, int value)");
    const trim = libc.func("int malloc_trim(size_t pad)");
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, mmapThresholdBytes);
    mallopt(M_TRIM_THRESHOLD, trimThresholdBytes);
    return { trim: () => void trim(0), unmapProgram };
  } catch {
    return { trim() {}, unmapProgram };
  }
}

/**
 * Where the program's file is mapped as it is in the file: not to be written to, and nothing changed
 * (proc_pid_smaps(5)). What the linker had to adapt is lost if it is let go of.
 */
function programMappings(): { from: number; to: number }[] {
  const program = readlinkSync("/proc/self/exe");
  const found: { from: number; to: number }[] = [];
  for (const mapping of readFileSync("/proc/self/smaps", "utf8").split(/^(?=[0-9a-f]+-)/m)) {
    const [, from = "", to = "", path] =
      /^([0-9a-f]+)-([0-9a-f]+) r-[-x]p(?: +\S+){3} +(.*)\n/.exec(mapping) ?? [];
    if (path !== program || !/^Anonymous: +0 kB$/m.test(mapping)) continue;
    found.push({ from: Number.parseInt(from, 16), to: Number.parseInt(to, 16) });
  }
  return found;
}
