import type { EndSpan } from "./tracing.js";

/** Told of calls that may be about a pod, and of what they ask of others. */
export interface CallRecorder {
  /**
   * Runs a call.
   *
   * @param method As CRI has it, such as `RunPodSandbox`.
   * @param request Its message.
   * @param work Resolves to what has the reply as its `message`.
   */
  call<T extends { readonly message: unknown }>(
    method: string,
    request: unknown,
    work: () => Promise<T>,
  ): Promise<T>;
  /** Notes something below the call that runs; undefined where that is not noted. */
  begin(name: string): EndSpan | undefined;
}
