import koffi from "koffi";

/** What the process asks of the C library's allocator, for memory outside V8's heap. */
export interface NativeHeap {
  /** Gives whole pages that are free back to the kernel, as malloc_trim(3) does. */
  trim(): void;
}

// Parameters of mallopt(3), from glibc's malloc.h.
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
const M_ARENA_MAX = -8;

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
export function keepNativeHeapSmall(): NativeHeap {
  const libc = koffi.load(null);
  try {
    const mallopt = libc.func("int mallopt(int parameter, int value)");
    const trim = libc.func("int malloc_trim(size_t pad)");
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, mmapThresholdBytes);
    mallopt(M_TRIM_THRESHOLD, trimThresholdBytes);
    return { trim: () => void trim(0) };
  } catch {
    return { trim() {} };
  }
}
