import { fileURLToPath } from "node:url";
import { specHookShim } from "./program.js";

/** Where this package keeps the program, by the name of an architecture as Go has it. */
export const specHookPrograms: Readonly<Record<"amd64" | "arm64", string>> = {
  amd64: fileOf("amd64"),
  arm64: fileOf("arm64"),
};

function fileOf(architecture: string): string {
  return fileURLToPath(new URL(`../bin/${architecture}/${specHookShim}`, import.meta.url));
}
