/** The two times that a sample has. */
export interface Clock {
  /** Nanoseconds since the Unix epoch, for the CRI's `timestamp` fields. */
  wallNs(): bigint;
  /** Nanoseconds of a clock that is never set, for rates. */
  monotonicNs(): bigint;
}

/** The machine's clocks; the wall clock has a resolution of one millisecond. */
export const systemClock: Clock = {
  wallNs: () => BigInt(Date.now()) * 1_000_000n,
  monotonicNs: () => process.hrtime.bigint(),
};
