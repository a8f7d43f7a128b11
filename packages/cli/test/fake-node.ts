import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder with a node's files below `root`, and beside it a systemctl that knows the node's units. */
export interface FakeNode {
  readonly dir: string;
  readonly root: string;
  /** What $PATH is to be. */
  readonly path: string;
  /** All files with their text, and which units are active and enabled. */
  snapshot(): Promise<Record<string, string>>;
  /** What systemctl was asked for, but for questions. */
  calls(): Promise<string[]>;
  /** Lets a call of systemctl fail. */
  fail(call: string): Promise<void>;
  remove(): Promise<void>;
}

/** What systemctl notes for itself. */
const notes = /^\/(?:calls|fail|root\/proc\/|units\/[^/]+\/(?:pid|log)$)/;

/** A unit of a fake node. */
export interface FakeUnit {
  readonly active?: boolean;
  readonly enabled?: boolean;
  /** What its service runs, a shell script that ends in `exec`. Its first argument is the node's folder. */
  readonly start?: string;
  readonly listen?: string;
  readonly triggeredBy?: string;
  /** Its command line, as systemd has it. */
  readonly command?: string;
}

export async function createFakeNode(
  units: Readonly<Record<string, FakeUnit>>,
  files: Readonly<Record<string, string>>,
): Promise<FakeNode> {
  const dir = await mkdtemp(join(tmpdir(), "fake-node-"));
  const root = join(dir, "root");
  const program = join(dir, "systemctl");
  await copyFile(join(import.meta.dirname, "fixtures/systemctl"), program);
  await chmod(program, 0o755);
  for (const folder of ["proc", "etc/systemd/system"]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  const put = async (file: string, text: string): Promise<void> => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  };
  for (const [file, text] of Object.entries(files)) await put(join(root, file), text);
  for (const [name, unit] of Object.entries(units)) {
    const folder = join(dir, "units", name);
    const show = [
      ...(unit.listen === undefined ? [] : [`Listen=${unit.listen} (Stream)`]),
      ...(unit.command === undefined
        ? []
        : [`ExecStart={ path=/x ; argv[]=${unit.command} ; ignore_errors=no }`]),
      ...(unit.triggeredBy === undefined ? [] : [`TriggeredBy=${unit.triggeredBy}`]),
    ];
    await put(join(folder, "show"), show.map((line) => `${line}\n`).join(""));
    if (unit.enabled) await put(join(folder, "enabled"), "");
    if (unit.active) await put(join(folder, "active"), "");
    if (unit.start !== undefined) await put(join(folder, "start"), unit.start);
  }
  return {
    ...{ dir, root, path: `${dir}:${process.env.PATH}` },
    async snapshot() {
      const found: Record<string, string> = {};
      for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
        const file = join(entry.parentPath, entry.name).slice(dir.length);
        // Folders count too: none may be left over.
        if (entry.isDirectory()) {
          found[file] = "";
        } else if (entry.isFile() && !notes.test(file)) {
          found[file] = await readFile(join(dir, file), "utf8");
        }
      }
      return found;
    },
    async calls() {
      const text = await readFile(join(dir, "calls"), "utf8").catch(() => "");
      return text.split("\n").filter((line) => line !== "" && !line.startsWith("show "));
    },
    fail: (call) => writeFile(join(dir, "fail"), `${call}\n`),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
