import { LabError } from "./lab-error.ts";

/**
 * Runs a command of a person's, whose exit code is what it settles with. What a {@link LabError} says goes to
 * stderr behind the command's name, with exit code 2 for wrong usage and 1 otherwise.
 */
export async function runCommandLine(name: string, main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    console.error(`${name}: ${error.message}`);
    process.exitCode = error.code === "usage" ? 2 : 1;
  }
}
