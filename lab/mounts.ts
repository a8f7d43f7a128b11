import { readFileSync } from "node:fs";
import { command, tryCommand } from "./command.ts";

interface Mount {
  readonly mountPoint: string;
  readonly shared: boolean;
}

/** Mounts of our namespace, oldest first (proc(5), mountinfo). */
function mounts(): Mount[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [fixed = ""] = line.split(" - ");
      const [, , , , mountPoint = "", , ...optional] = fixed.split(" ");
      return {
        // Blanks are written as octal escapes.
        mountPoint: mountPoint.replace(/\\([0-7]{3})/g, (_, octal: string) =>
          String.fromCharCode(Number.parseInt(octal, 8)),
        ),
        shared: optional.some((field) => field.startsWith("shared:")),
      };
    });
}

/** Mount points whose mounts (of several at one place, the visible one) don't propagate. */
export function privateMountPoints(): string[] {
  const visible = new Map(mounts().map(({ mountPoint, shared }) => [mountPoint, shared]));
  return [...visible].flatMap(([mountPoint, shared]) => (shared ? [] : [mountPoint]));
}

function mountPointsBelow(folder: string): string[] {
  return mounts()
    .map(({ mountPoint }) => mountPoint)
    .filter((mountPoint) => mountPoint === folder || mountPoint.startsWith(`${folder}/`));
}

/** Unmounts all that is mounted at or below the folder, newest first; what is busy is detached. */
export async function unmountBelow(folder: string): Promise<void> {
  for (const mountPoint of mountPointsBelow(folder).reverse()) {
    const { code } = await tryCommand("umount", [mountPoint]);
    if (code !== 0 && mountPointsBelow(folder).includes(mountPoint)) {
      await command("umount", ["--lazy", mountPoint]);
    }
  }
}
