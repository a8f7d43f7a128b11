export { type OciSpec, parseSpec, specText } from "./oci-spec.js";
export {
  specHookRuntime,
  specHookShim,
  specHookWrapper,
} from "./program.js";
export { type HookedStart, type SpecHook, type SpecHookOptions, serveSpecHook } from "./serve.js";
export { SpecHookError, type SpecHookErrorCode } from "./spec-hook-error.js";
