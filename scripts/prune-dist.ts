// Removes from dist/ what no source in src/ gives any more: tsc leaves such files behind, and from there they
// would get into the tarball and into turbo's cache. Runs in a package's folder, before its build.
import { rmSync } from "node:fs";
import { filesBelow, outputsOf } from "./package-files.ts";

const kept = new Set(filesBelow(".", "src").flatMap(outputsOf)).add("dist/.tsbuildinfo");
for (const file of filesBelow(".", "dist")) {
  if (!kept.has(file)) rmSync(file);
}
