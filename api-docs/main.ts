// Makes pages of all that the published packages export, into out/api/.
import { join, resolve } from "node:path";
import { Application } from "typedoc";
import { workspacesOf } from "../scripts/workspaces.ts";

const root = resolve(import.meta.dirname, "..");
const out = join(root, "out/api");
const published = workspacesOf(root).filter(({ manifest }) => manifest.private !== true);
const app = await Application.bootstrap({
  name: "dockershim",
  entryPoints: published.map(({ folder }) => join(root, folder, "src/index.ts")),
  tsconfig: join(import.meta.dirname, "tsconfig.packages.json"),
  readme: join(root, "docs/architecture.md"),
  out,
  // The packages are checked by the compiler that builds them, which is a newer one.
  skipErrorChecking: true,
  excludeExternals: true,
  // Docstrings link to each other across packages, and to what is private on purpose.
  logLevel: "Error",
});
const project = await app.convert();
if (project === undefined) throw new Error("the packages could not be read");
// They would be called after their folders.
for (const each of project.children ?? []) {
  each.name = each.name.replace(/^(.*)\/src$/, "@dockershim/$1");
}
await app.generateOutputs(project);
console.log(join(out, "index.html"));
