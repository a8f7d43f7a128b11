// Checks where lone statements stand, in all sources; with --write it mends what it can.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bracingProblems, shortened } from "./bracing.ts";

const root = join(import.meta.dirname, "..");
const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
});
const sources = listed
  .split("\n")
  .filter((file) => /\.[cm]?[jt]s$/.test(file) && !/^packages\/cri-types\/src\/gen\//.test(file))
  .filter((file) => existsSync(join(root, file)));

const write = process.argv.includes("--write");
for (const file of sources) {
  const path = join(root, file);
  const text = readFileSync(path, "utf8");
  const mended = write ? shortened(text) : text;
  if (mended !== text) writeFileSync(path, mended);
  for (const problem of bracingProblems(mended)) {
    console.error(`${file}:${problem}`);
    process.exitCode = 1;
  }
}
if (process.exitCode === 1 && !write) {
  console.error("node scripts/check-bracing.ts --write mends most.");
}
