// Makes what is installed on nodes, into out/. See README.md of this folder.
import { join, resolve } from "node:path";
import { specHookPrograms } from "@dockershim/spec-hook/program-files";
import { labConfig } from "../lab/config.ts";
import { architectures } from "./architecture.ts";
import { bundleProgram } from "./bundle.ts";
import { writeChecksums } from "./checksums.ts";
import { describeContent } from "./content.ts";
import { makeExecutable } from "./executable.ts";
import { flavours } from "./flavour.ts";
import { writeBill } from "./sbom.ts";
import { makeSystemPackage } from "./system-package.ts";

const root = resolve(import.meta.dirname, "..");
const out = join(root, "out");
const { cacheDir } = labConfig();
const bundle = await bundleProgram(root);
const content = await describeContent(root, bundle, cacheDir);
const made: string[] = [];
const tell = (file: string): void => {
  made.push(file);
  console.log(file);
};
for (const architecture of architectures) {
  const folder = join(out, architecture.name);
  const executable = await makeExecutable(bundle, architecture, folder, cacheDir);
  tell(executable);
  for (const flavour of flavours) {
    for (const kind of ["deb", "rpm"] as const) {
      const complete = { ...content, executable, specHook: specHookPrograms[architecture.name] };
      const order = { kind, flavour, architecture, content: complete };
      tell(await makeSystemPackage({ ...order, compression: "xz" }, out, cacheDir));
    }
  }
}
tell(await writeBill(root, out));
console.log(writeChecksums(made, out));
