/** How grave what is reported is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * Where this package reports what it skips, retries and tolerates. It never
 * logs what it also throws.
 */
export type CniLog = (
  level: LogLevel,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

export const silentLog: CniLog = () => {};
