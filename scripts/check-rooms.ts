// Checks that each file of shim-server imports only rooms above its own, in the order of docs/architecture.md.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow } from "./package-files.ts";
import { floorsOf, roomProblems } from "./rooms.ts";

const root = join(import.meta.dirname, "..");
const src = join(root, "packages/shim-server/src");
const floors = floorsOf(readFileSync(join(root, "docs/architecture.md"), "utf8"));

const problems = filesBelow(src, ".").flatMap((file) =>
  roomProblems(file, readFileSync(join(src, file), "utf8"), floors),
);
for (const problem of problems) console.error(`packages/shim-server/src/${problem}`);
if (problems.length > 0) console.error("The order of the rooms is in docs/architecture.md.");
process.exitCode = problems.length === 0 ? 0 : 1;
