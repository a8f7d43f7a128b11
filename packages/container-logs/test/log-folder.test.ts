import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { linkDockerLog, unlinkDockerLog } from "../src/docker-log-link.js";
import type { ContainerLogError } from "../src/errors.js";
import type { LogPath } from "../src/log-path.js";
import { openLogTarget, prepareLogPath } from "../src/log-target.js";

describe("the folder of a log", () => {
  let dir: string;
  let outside: string;
  let path: LogPath;

  beforeEach(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), "log-folder-")));
    outside = join(dir, "outside");
    mkdirSync(outside);
    path = { directory: join(dir, "pods", "pod"), file: "main/0.log" };
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  function codeOf(work: () => void): string {
    try {
      work();
      return "none";
    } catch (err) {
      return (err as ContainerLogError).code;
    }
  }

  test("that can be made nowhere, as in /proc, is refused", () => {
    const nowhere = { directory: "/proc/self/dockershim-none/pod", file: "0.log" };
    expect(codeOf(() => prepareLogPath(nowhere))).toBe("path_refused");
    symlinkSync(join(dir, "gone"), join(dir, "dangling"));
    const dangling = { directory: join(dir, "dangling", "pod"), file: "0.log" };
    expect(codeOf(() => prepareLogPath(dangling))).toBe("path_refused");
  });

  // Who can write to the pod's folder exchanges the container's for a link, over and over.
  test("that is exchanged for a link all the time never leads outside", async () => {
    prepareLogPath(path);
    const folder = join(path.directory, "main");
    const stop = new Int32Array(new SharedArrayBuffer(8));
    const exchanger = new Worker(
      `const { renameSync, rmSync, symlinkSync, unlinkSync } = require("node:fs");
       const { folder, outside, stop } = require("node:worker_threads").workerData;
       while (Atomics.load(stop, 0) === 0) {
         rmSync(folder + ".real", { recursive: true, force: true });
         try {
           renameSync(folder, folder + ".real");
           symlinkSync(outside, folder);
           Atomics.add(stop, 1, 1);
           unlinkSync(folder);
           renameSync(folder + ".real", folder);
         } catch {
           // The copier has made the folder anew in the meantime.
         }
       }`,
      { eval: true, workerData: { folder, outside, stop } },
    );
    const ended = new Promise((resolve) => exchanger.once("exit", resolve));
    let opened = 0;
    for (let calls = 0; calls < 20_000; calls++) {
      try {
        openLogTarget(path).close();
        opened++;
      } catch (err) {
        expect(["path_refused", "ENOENT"]).toContain((err as ContainerLogError).code);
      }
      // Without a turn of the event loop the thread does not begin.
      if (calls % 100 === 0) await new Promise(setImmediate);
    }
    const exchanged = Atomics.load(stop, 1);
    Atomics.store(stop, 0, 1);
    await ended;
    expect(readdirSync(outside)).toEqual([]);
    // Otherwise nothing was tried.
    expect(exchanged).toBeGreaterThan(100);
    expect(opened).toBeGreaterThan(100);
  });

  test("of a pod may not be a link, nor may one below it; the folders above may", () => {
    symlinkSync(outside, join(dir, "pods"));
    openLogTarget(path).close();
    expect(readdirSync(join(outside, "pod", "main"))).toEqual(["0.log"]);
    symlinkSync(join(outside, "pod"), join(outside, "link"));
    const linked = { ...path, directory: join(dir, "pods", "link") };
    expect(codeOf(() => openLogTarget(linked))).toBe("path_refused");
    symlinkSync(join(outside, "pod", "main"), join(outside, "pod", "other"));
    expect(codeOf(() => openLogTarget({ ...path, file: "other/0.log" }))).toBe("path_refused");
    expect(codeOf(() => openLogTarget({ ...path, file: "../escaped/0.log" }))).toBe("path_refused");
  });

  test("of Docker's log link is not left through a link either", async () => {
    mkdirSync(path.directory, { recursive: true });
    symlinkSync(outside, join(path.directory, "main"));
    const dockerFile = join(dir, "docker-json.log");
    await expect(linkDockerLog(path, dockerFile)).rejects.toMatchObject({ code: "path_refused" });
    symlinkSync(dockerFile, join(outside, "0.log"));
    await expect(unlinkDockerLog(path, dockerFile)).rejects.toMatchObject({ code: "path_refused" });
    expect(readlinkSync(join(outside, "0.log"))).toBe(dockerFile);
  });

  test("and the file in it have their modes whatever the umask is", () => {
    const umask = process.umask(0o077);
    try {
      openLogTarget(path).close();
    } finally {
      process.umask(umask);
    }
    const modes = ["pods", "pods/pod", "pods/pod/main", "pods/pod/main/0.log"].map((name) =>
      (statSync(join(dir, name)).mode & 0o777).toString(8),
    );
    expect(modes).toEqual(["755", "755", "755", "640"]);
  });

  test("that is there keeps its mode, and a file what it holds", () => {
    mkdirSync(join(path.directory, "main"), { recursive: true, mode: 0o700 });
    writeFileSync(join(path.directory, "main", "0.log"), "line\n", { mode: 0o600 });
    openLogTarget(path).close();
    expect(statSync(join(path.directory, "main")).mode & 0o777).toBe(0o700);
    expect(statSync(join(path.directory, "main", "0.log")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(path.directory, "main", "0.log"), "utf8")).toBe("line\n");
  });

  test.each<[string, () => LogPath, string]>([
    [
      "a name that is too long",
      () => ({ ...path, file: `${"x".repeat(300)}/0.log` }),
      "invalid_path",
    ],
    ["a file for a folder", () => ({ ...path, file: "file/0.log" }), "path_refused"],
    [
      "a file for a folder above",
      () => ({ directory: "/dev/null/x/y", file: "0.log" }),
      "path_refused",
    ],
  ])("is refused with a code of its own: %s", (_, pathOf, code) => {
    mkdirSync(path.directory, { recursive: true });
    writeFileSync(join(path.directory, "file"), "");
    expect(codeOf(() => prepareLogPath(pathOf()))).toBe(code);
  });
});
