// Checks that each file of the large packages imports only rooms above its own, in the order of docs/architecture.md.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow } from "./package-files.ts";
import { floorsOf, roomProblems } from "./rooms.ts";

const root = join(import.meta.dirname, "..");
const architecture = readFileSync(join(root, "docs/architecture.md"), "utf8");

const problems = ["shim-server", "cli"].flatMap((name) => {
  const src = `packages/${name}/src`;
  const floors = floorsOf(architecture, name);
  return filesBelow(join(root, src), ".").flatMap((file) =>
    roomProblems(file, readFileSync(join(root, src, file), "utf8"), floors).map(
      (problem) => `${src}/${problem}`,
    ),
  );
});
for (const problem of problems) console.error(problem);
if (problems.length > 0) console.error("The order of the rooms is in docs/architecture.md.");
process.exitCode = problems.length === 0 ? 0 : 1;
