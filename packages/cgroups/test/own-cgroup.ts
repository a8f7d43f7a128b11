import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";

const root = "/sys/fs/cgroup";

/** A cgroup of this test's own in every hierarchy of the machine. */
export interface OwnCgroup {
  /** Its path in the hierarchies. */
  readonly name: string;
  /** Moves a process into it. */
  add(pid: number): void;
  /** Writes one of its files, in the hierarchy that has it. */
  set(controller: string, file: string, value: string): void;
  /** Removes it; its processes must have ended. */
  remove(): Promise<void>;
}

function hierarchies(): string[] {
  if (fs.existsSync(`${root}/cgroup.controllers`)) return [root];
  return fs
    .readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(root, entry.name));
}

let count = 0;

export function makeOwnCgroup(
  name: string = `/dockershim-test-${process.pid}-${++count}`,
): OwnCgroup {
  const directories = hierarchies().map((hierarchy) => hierarchy + name);
  for (const directory of directories) {
    fs.mkdirSync(directory);
    // On cgroup v1 a cpuset takes processes only when it has processors and memory nodes.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      const above = path.join(path.dirname(directory), file);
      if (fs.existsSync(above)) {
        fs.writeFileSync(path.join(directory, file), fs.readFileSync(above));
      }
    }
  }
  return {
    name,
    add(pid) {
      for (const directory of directories) {
        fs.writeFileSync(path.join(directory, "cgroup.procs"), String(pid));
      }
    },
    set(controller, file, value) {
      const joint = path.join(root, name, file);
      fs.writeFileSync(
        fs.existsSync(joint) ? joint : path.join(root, controller, name, file),
        value,
      );
    },
    async remove() {
      for (const directory of directories) await removeWhenEmpty(directory);
    },
  };
}

/** The kernel lets go of an ended process's cgroup a moment after its parent learns of the end. */
async function removeWhenEmpty(directory: string): Promise<void> {
  for (;;) {
    try {
      fs.rmdirSync(directory);
      return;
    } catch (error) {
      const busy = error instanceof Object && "code" in error && error.code === "EBUSY";
      if (!busy) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** A child that runs a script, says so by lines on its output, and is told by lines on its input. */
export interface Child {
  readonly pid: number;
  /** Sends a line and waits for the next one from the child. */
  ask(line: string): Promise<string>;
  stop(): Promise<void>;
}

/** Runs a Node.js script that answers every line it reads with one line. */
export function startChild(script: string, wrapper: readonly string[] = []): Child {
  const [command = process.execPath, ...rest] = [...wrapper, process.execPath, "-e", script];
  const child: ChildProcess = spawn(command, rest, { stdio: ["pipe", "pipe", "inherit"] });
  const { stdin, stdout, pid } = child;
  if (stdin === null || stdout === null || pid === undefined) throw new Error("no child");
  const ended = once(child, "exit");
  const endedEarly = ended.then(() => {
    throw new Error("the child ended instead of answering");
  });
  // Only whoever waits for an answer has to know.
  endedEarly.catch(() => {});
  return {
    pid,
    async ask(line) {
      stdin.write(`${line}\n`);
      const [answer] = await Promise.race([once(stdout, "data"), endedEarly]);
      return String(answer).trim();
    },
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
