import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { ImageStore, LabConfig } from "./config.ts";
import type { ProcessId } from "./process-id.ts";

/** A registry of the lab; the port stays its own when it is started again. */
export interface RunningRegistry {
  readonly process: ProcessId;
  readonly port: number;
}

/** What a lab remembers of itself between runs; every part is written as soon as it exists. */
export interface LabState {
  readonly slot?: number;
  readonly engine?: ProcessId;
  readonly engineVersion?: string;
  readonly apiVersion?: string;
  readonly imageStore?: ImageStore;
  readonly registry?: RunningRegistry;
  readonly authRegistry?: RunningRegistry;
  /** Whether `up` came to its end since the engine was started. */
  readonly complete?: boolean;
}

/** Reads the lab's memory; empty when there is none or it was cut off while being written. */
export function readState(config: LabConfig): LabState {
  try {
    return JSON.parse(readFileSync(config.stateFile, "utf8"));
  } catch {
    return {};
  }
}

/** Replaces parts of the lab's memory and returns the whole. */
export function updateState(config: LabConfig, change: LabState): LabState {
  const state = { ...readState(config), ...change };
  mkdirSync(config.stateDir, { recursive: true });
  writeFileSync(`${config.stateFile}.new`, `${JSON.stringify(state, undefined, 2)}\n`);
  renameSync(`${config.stateFile}.new`, config.stateFile);
  return state;
}
