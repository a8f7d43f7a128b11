import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { specHookShim, specHookWrapper } from "../src/index.js";
import { specHookPrograms } from "../src/program-files.js";

/** What a program printed, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Bundles as containerd makes them, and the hook in the place of a runtime that tells what it was called with. */
export interface HookWorld {
  readonly root: string;
  /** Makes a bundle with that spec. */
  bundle(spec: string, id?: string): string;
  /** Calls the hook as containerd does: in the bundle, as a shim. */
  shim(bundle: string, args: readonly string[]): Promise<Ended>;
  /** Calls the hook as a shim calls its runtime. */
  runc(args: readonly string[]): Promise<Ended>;
  remove(): void;
}

export const newId = (): string => randomBytes(32).toString("hex");

/** @param program The hook's file; the one of this machine's architecture by default. */
export function createHookWorld(program: string = ownProgram()): HookWorld {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "spec-hook-")));
  const bin = join(root, "bin");
  mkdirSync(bin);
  for (const name of [specHookShim, specHookWrapper]) copyFileSync(program, join(bin, name));
  for (const name of ["containerd-shim-runc-v2", "runc"]) {
    const file = join(bin, name);
    writeFileSync(
      file,
      `#!/bin/sh\necho "${name} $*"\n[ ! -e config.json ] || /bin/cat config.json\n`,
    );
    chmodSync(file, 0o755);
  }
  const call = async (name: string, cwd: string, args: readonly string[]) =>
    await new Promise<Ended>((resolve, reject) => {
      const child = spawn(join(bin, name), args, { cwd, env: { PATH: `/nowhere:${bin}` } });
      let out = "";
      let err = "";
      child.stdout.on("data", (chunk) => {
        out += chunk;
      });
      child.stderr.on("data", (chunk) => {
        err += chunk;
      });
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, out, err }));
    });
  return {
    root,
    bundle(spec, id = newId()) {
      const path = join(root, "io.containerd.runtime.v2.task", "moby", id);
      mkdirSync(path, { recursive: true, mode: 0o755 });
      writeFileSync(join(path, "config.json"), spec, { mode: 0o600 });
      return path;
    },
    shim: (bundle, args) => call(specHookShim, bundle, args),
    runc: (args) => call(specHookWrapper, root, args),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function ownProgram(): string {
  return specHookPrograms[process.arch === "arm64" ? "arm64" : "amd64"];
}

/** The text of a bundle's spec. */
export function specOf(bundle: string): string {
  return readFileSync(join(bundle, "config.json"), "utf8");
}
