/**
 * Waits for a promise, but not for longer than `ms`.
 *
 * @returns What it settles with, or `late`; then what becomes of it is the caller's to hear.
 * @throws What the promise rejects with in time.
 */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | "late"> {
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(resolve, ms, "late");
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
