import type { Code } from "@connectrpc/connect";

/** Told of every call that is over: its method, how long it took in ms, and why it failed. */
export type CallObserver = (method: string, ms: number, code: Code | undefined) => void;

/** Told of what the event feed goes through. */
export interface FeedObserver {
  /** An event has come, so many ms after it happened by the engine's clock. */
  event(lagMs: number): void;
  /** The stores were read in full. */
  resynced(): void;
  /** The event stream broke. */
  lost(): void;
}

/** Told that a network is set up (ADD) or taken down (DEL); the function it returns, of the end. */
export type NetworkObserver = (command: "ADD" | "DEL") => (error?: unknown) => void;

/** Told of NRI plugins: of each call, and by what it returns of its end, ms and how it failed; and who is connected. */
export interface NriCallObserver {
  calling(plugin: string, method: string): (ms: number, error: string | undefined) => void;
  connected(plugins: readonly string[]): void;
}

/** Told that a container's spec hook asks; the function it returns, of the answer. */
export type SpecHookObserver = () => (error?: unknown) => void;

/** Told that a CNI plugin is run; the function it returns, of its end. */
export type PluginObserver = (plugin: string, command: string) => (error?: unknown) => void;
