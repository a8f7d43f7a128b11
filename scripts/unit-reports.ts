// What the unit tests of the workspaces have come to, from the reports that jest has left.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Count {
  passed: number;
  failed: number;
}

/** Where the report of a workspace's tests goes. */
export function reportFile(reports: string, folder: string): string {
  return join(reports, `${folder.replaceAll("/", "-")}.json`);
}

/**
 * Counts the cases of one of jest's reports; a file of tests that could not be run is one that failed, and so is
 * a report that is not there.
 *
 * @param ok Whether jest said that all went well.
 */
export function countReport(file: string, ok: boolean): Count {
  try {
    const counts = JSON.parse(readFileSync(file, "utf8")) as {
      numPassedTests: number;
      numFailedTests: number;
      numRuntimeErrorTestSuites: number;
      success: boolean;
    };
    const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites;
    // A run that fails without a failing case (a leaked handle, a bad option) must not look green.
    const green = ok && counts.success;
    return { passed: counts.numPassedTests, failed: green ? failed : Math.max(failed, 1) };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
