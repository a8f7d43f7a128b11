import { LabError } from "./lab-error.ts";

/** Aborted by Ctrl-C or SIGTERM, so that what has been started can be taken down before the end. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      console.error("lab: interrupted; cleaning up");
      controller.abort(new LabError("command", `interrupted by ${name}`));
    });
  }
  return controller.signal;
}
