import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
// Its thread is what was built, so this is the built package.
import {
  type CopiedContainer,
  createLogCopier,
  type LogCopier,
  localLogFile,
} from "@dockershim/container-logs";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { localLog } from "./local-log-file.js";

describe("a log copier", () => {
  let dir: string;
  let copier: LogCopier;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "copier-"));
    copier = newCopier();
  });
  afterEach(async () => {
    await copier.close();
    rmSync(dir, { recursive: true });
  });

  function newCopier(): LogCopier {
    return createLogCopier({ positions: join(dir, "positions") });
  }

  /** A container with Docker's file, and what it writes. */
  function container(id: string): CopiedContainer {
    const source = localLogFile(join(dir, "docker"), id);
    mkdirSync(dirname(source), { recursive: true });
    writeFileSync(source, "");
    return { id, source, target: { directory: join(dir, "pod"), file: `${id}/0.log` }, tty: false };
  }

  function write({ source }: CopiedContainer, text: string): void {
    const line = Buffer.from(text);
    appendFileSync(source, localLog([{ stream: "stdout", time: 1_795_000_000n, line }]));
  }

  const logOf = ({ target }: CopiedContainer): string => join(target.directory, target.file);

  const contents = (path: string): string[] =>
    Array.from(readFileSync(path, "utf8").matchAll(/Z stdout F (.*)\n/g), ([, text = ""]) => text);

  const positions = (): string[] => readdirSync(join(dir, "positions"));

  test("makes the log, copies, goes on in a new file, and ends with all that there is", async () => {
    const a = container("a");
    await copier.follow(a);
    expect(statSync(logOf(a)).size).toBe(0);
    write(a, "one");
    renameSync(logOf(a), `${logOf(a)}.1`);
    await copier.reopen(a);
    expect(existsSync(logOf(a))).toBe(true);
    write(a, "two");
    await copier.settle(a);
    expect([...contents(`${logOf(a)}.1`), ...contents(logOf(a))]).toEqual(["one", "two"]);
  });

  test("goes on where the one before it has been", async () => {
    const a = container("a");
    write(a, "one");
    await copier.settle(a);
    await copier.close();
    write(a, "two");
    copier = newCopier();
    await copier.settle(a);
    expect(contents(logOf(a))).toEqual(["one", "two"]);
  });

  test("forgets what is removed, and what is not among those that there are", async () => {
    for (const id of ["a", "b", "c"]) {
      const each = container(id);
      write(each, "one");
      await copier.settle(each);
    }
    expect(positions()).toEqual(["a.position", "b.position", "c.position"]);
    await copier.remove("a");
    expect(positions()).toEqual(["b.position", "c.position"]);
    await copier.sweep(new Set(["c"]));
    expect(positions()).toEqual(["c.position"]);
  });

  test("refuses an id that is no file's name", async () => {
    const { source, target } = container("a");
    for (const id of ["", "..", "../a", "a/b", "a\0"]) {
      const refused = { name: "ContainerLogError", code: "invalid_path" };
      await expect(copier.follow({ id, source, target, tty: false })).rejects.toMatchObject(
        refused,
      );
      await expect(copier.remove(id)).rejects.toMatchObject(refused);
    }
  });

  test("fails with the class of what went wrong", async () => {
    const a = container("a");
    writeFileSync(join(dir, "pod"), "");
    await expect(copier.follow(a)).rejects.toMatchObject({ name: "ContainerLogError" });
  });
});
