// Runs the unit tests of the workspace in the working folder; arguments are jest's. Where TEST_REPORTS names a
// folder, jest's report goes there.
import { spawnSync } from "node:child_process";
import { join, relative } from "node:path";
import { reportFile } from "./unit-reports.ts";

const root = join(import.meta.dirname, "..");
const folder = relative(root, process.cwd());
const asked = process.argv.slice(2);
const reports = process.env.TEST_REPORTS;

const { status } = spawnSync(
  process.execPath,
  [
    "--experimental-vm-modules",
    "--disable-warning=ExperimentalWarning",
    `--import=${join(import.meta.dirname, "end-at-once.js")}`,
    join(root, "node_modules/jest/bin/jest.js"),
    `--config=${join(root, "jest.config.js")}`,
    `--roots=${process.cwd()}`,
    ...(reports ? ["--json", `--outputFile=${reportFile(reports, folder)}`] : []),
    // What is asked for may be in another workspace.
    ...(asked.length > 0 ? ["--passWithNoTests", ...asked] : []),
  ],
  { stdio: "inherit" },
);
process.exitCode = status ?? 1;
