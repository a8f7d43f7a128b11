import { join } from "node:path";
import { specHookProgram, specHookShim, specHookWrapper } from "@dockershim/spec-hook/program";
import { readIfThere } from "../migrate/migration-actions.js";
import { type FileChange, reverseChange } from "../migrate/migration-step.js";
import { change, type InstallationPlan, nothing, refused } from "./installation.js";

/** Words that each version of the program has, and no other program. */
const mark = "/run/dockershim/spec-hook/";

/** Plans how the spec hook that comes with this command gets into a folder, under both of its names. */
export async function planSpecHookPrograms(
  folder: string,
  root: string,
): Promise<InstallationPlan> {
  const bytes = specHookProgram(process.arch);
  if (bytes === undefined) return refused(`there is no spec hook for ${process.arch}`);
  const program = Buffer.from(bytes).toString("latin1");
  const changes: FileChange[] = [];
  for (const [file, now] of await programsIn(folder, root)) {
    if (now === program) continue;
    if (now !== undefined && !now.includes(mark)) {
      return refused(`${file} is there, and is not the spec hook`);
    }
    changes.push({ ...(await change(root, file, now, program)), isProgram: true });
  }
  return planOf(`put the spec hook into ${folder}`, changes);
}

/** Plans how that goes again. What is another program stays. */
export async function planSpecHookProgramsRemoval(
  folder: string,
  root: string,
): Promise<InstallationPlan> {
  const changes: FileChange[] = [];
  // One of them may be a link to the other that somebody has made.
  for (const [file, now] of [...(await programsIn(folder, root))].toReversed()) {
    if (!now?.includes(mark)) continue;
    changes.push({ ...(await change(root, file, now, undefined)), isProgram: true });
  }
  return planOf(`remove the spec hook from ${folder}`, changes);
}

/** The files of both names, with what is in them. */
async function programsIn(folder: string, root: string): Promise<Map<string, string | undefined>> {
  const found = new Map<string, string | undefined>();
  for (const name of [specHookShim, specHookWrapper]) {
    const file = join(folder, name);
    found.set(file, await readIfThere(join(root, file), "latin1"));
  }
  return found;
}

function planOf(title: string, actions: readonly FileChange[]): InstallationPlan {
  if (actions.length === 0) return nothing;
  const undo = actions.toReversed().map(reverseChange);
  return { ...nothing, steps: [{ title, actions, undo }] };
}
