import type { NriErrorCode } from "./nri-error.js";

/** Told of what plugins do. It must not throw. */
export interface NriObserver {
  /** Something that an operator may want to read. */
  log(
    level: "debug" | "info" | "warn",
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ): void;
  /**
   * A method of a plugin is called.
   *
   * @returns What is told of the call's end: how long it took in ms, and how it failed.
   */
  calling?(plugin: string, method: string): (ms: number, error: NriErrorCode | undefined) => void;
  /** The plugins that are connected now, in the order in which they are called. */
  connected?(plugins: readonly string[]): void;
}
