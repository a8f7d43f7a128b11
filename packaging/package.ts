// Makes what is installed on nodes, into out/. See README.md of this folder.
import { join, resolve } from "node:path";
import { labConfig } from "../lab/config.ts";
import { architectures } from "./architecture.ts";
import { bundleProgram } from "./bundle.ts";
import { makeExecutable } from "./executable.ts";

const root = resolve(import.meta.dirname, "..");
const { cacheDir } = labConfig();
const bundle = await bundleProgram(root);
for (const architecture of architectures) {
  const executable = await makeExecutable(
    bundle,
    architecture,
    join(root, "out", architecture.name),
    cacheDir,
  );
  console.log(executable);
}
