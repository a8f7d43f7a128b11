import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readCriu } from "../src/check/read-engine.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "read-criu-"));
  await mkdir(join(dir, "proc/7"), { recursive: true });
  const environment = ["HOME=/", `PATH=${join(dir, "engine")}:/bin`, "LANG=C", ""].join("\0");
  await writeFile(join(dir, "proc/7/environ"), environment);
});
afterEach(() => rm(dir, { recursive: true }));

/** A criu in one of the folders; `check` does what the shell is told. */
async function put(folder: string, check: string): Promise<void> {
  const script = `#!/bin/sh\ncase $1 in --version) echo Version: 4.2.1; echo GitID: x ;; check) ${check} ;; esac\n`;
  await mkdir(join(dir, folder));
  await writeFile(join(dir, folder, "criu"), script, { mode: 0o755 });
}

const read = (enginePid: number | undefined) =>
  readCriu(join(dir, "proc"), enginePid, `${join(dir, "own")}:/bin`);

test("the one on the engine's path counts", async () => {
  await put("engine", "echo Looks good.");
  expect(await read(7)).toEqual({ version: "4.2.1", problem: "" });
  expect(await read(undefined)).toEqual({ version: undefined, problem: "" });
});

test("where the engine is not seen, the one on the node's", async () => {
  await put("own", "echo Looks good.");
  expect(await read(undefined)).toEqual({ version: "4.2.1", problem: "" });
  expect(await read(7)).toEqual({ version: undefined, problem: "" });
});

test("what it cannot do is told in its words", async () => {
  await put("engine", "echo 'Error (criu/kerndat.c:9): no vDSO' >&2; echo warn >&2; exit 1");
  expect(await read(7)).toEqual({
    version: "4.2.1",
    problem: "Error (criu/kerndat.c:9): no vDSO",
  });
});

test("one that fails without a word is told by its exit code", async () => {
  await put("engine", "exit 3");
  expect(await read(7)).toEqual({ version: "4.2.1", problem: "criu check ended with 3" });
});
