/**
 * - `not_a_bundle`: the path that was named is none of containerd's bundles, or not only root's.
 * - `not_the_hook`: whoever asks is not root of this node.
 * - `unsafe_folder`: others than root can write to the folder where hooks look for this process.
 * - `bad_question`: what was said is not what the hook says.
 */
export type SpecHookErrorCode = "not_a_bundle" | "not_the_hook" | "unsafe_folder" | "bad_question";

/** The one error of this package. */
export class SpecHookError extends Error {
  override readonly name = "SpecHookError";
  readonly code: SpecHookErrorCode;

  constructor(code: SpecHookErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
