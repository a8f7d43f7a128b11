import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { RuntimeExecRequest } from "@dockershim/streaming";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Header } from "tar";
import { runDockershim } from "./run-dockershim.js";
import { startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;
let dir: string;
/** A folder in the container, and one here. */
let there: string;
let here: string;
/** What the container's tar is. */
let runTar: (request: RuntimeExecRequest) => Promise<{ exitCode: number }>;

beforeAll(async () => {
  runtime = await startSampleRuntime({ exec: (request) => runTar(request) });
  dir = await mkdtemp(join(tmpdir(), "cli-cp-"));
});
beforeEach(async () => {
  runTar = realTar;
  [there, here] = [join(dir, "there"), join(dir, "here")];
  await rm(dir, { recursive: true });
  await mkdir(there, { recursive: true });
  await mkdir(here);
});
afterAll(async () => {
  await runtime.close();
  await rm(dir, { recursive: true });
});

/** The machine's own tar, in whose files the container's are. */
async function realTar({ cmd, stdin, stdout, stderr }: RuntimeExecRequest) {
  const child = spawn(cmd[0] ?? "", cmd.slice(1));
  const ended = once(child, "close");
  child.stdin.on("error", () => undefined);
  if (stdin) pipeline(stdin, child.stdin).catch(() => undefined);
  await Promise.all([
    stdout && pipeline(child.stdout, stdout),
    stderr && pipeline(child.stderr, stderr),
  ]);
  const [exitCode] = await ended;
  return { exitCode: exitCode ?? 137 };
}

/** A tar that sends these entries, whatever it is asked for. */
function sending(...entries: ConstructorParameters<typeof Header>[0][]): typeof runTar {
  return async ({ stdout }) => {
    for (const entry of entries) {
      const header = new Header({ mode: 0o644, size: 0, mtime: new Date(0), ...(entry as object) });
      header.encode();
      stdout?.write(header.block);
      if (header.size) stdout?.write(Buffer.alloc(512, "x"));
    }
    stdout?.write(Buffer.alloc(1024));
    return { exitCode: 0 };
  };
}

const cp = (...args: string[]) => runDockershim(runtime.endpoint, ["cp", ...args]);
const fine = { stdout: "", stderr: "", code: 0 };

describe("out of a container", () => {
  test("a file goes into a folder, or gets a new name", async () => {
    await writeFile(join(there, "a"), "text", { mode: 0o640 });
    expect(await cp(`front/web:${there}/a`, here)).toEqual(fine);
    expect(await cp(`front/web:${there}/a`, join(here, "b"))).toEqual(fine);
    expect(await readFile(join(here, "a"), "utf8")).toBe("text");
    expect(await readFile(join(here, "b"), "utf8")).toBe("text");
    expect((await stat(join(here, "b"))).mode & 0o777).toBe(0o640);
  });

  test("a folder comes whole, with modes, times and links within it", async () => {
    await mkdir(join(there, "etc/sub"), { recursive: true });
    await writeFile(join(there, "etc/run"), "#!", { mode: 0o755 });
    await writeFile(join(there, "etc/sub/big"), Buffer.alloc(3_000_000, "b"));
    await link(join(there, "etc/run"), join(there, "etc/sub/hard"));
    await symlink("../run", join(there, "etc/sub/soft"));
    expect(await cp(`web:${there}/etc/`, join(here, "conf"))).toEqual(fine);
    expect((await stat(join(here, "conf/run"))).mode & 0o777).toBe(0o755);
    expect((await stat(join(here, "conf/sub/big"))).size).toBe(3_000_000);
    expect(await readFile(join(here, "conf/sub/hard"), "utf8")).toBe("#!");
    expect(await readlink(join(here, "conf/sub/soft"))).toBe("../run");
    const [old, copied] = await Promise.all(
      [join(there, "etc/run"), join(here, "conf/run")].map((path) => stat(path)),
    );
    expect(Math.trunc((copied?.mtimeMs ?? 0) / 1000)).toBe(Math.trunc((old?.mtimeMs ?? 1) / 1000));
  });

  test("bits for other users are left out, and so is what belongs to the container only", async () => {
    await mkdir(join(there, "d"));
    await writeFile(join(there, "d/su"), "");
    await chmod(join(there, "d/su"), 0o4755);
    await symlink("/etc/shadow", join(there, "d/outside"));
    await symlink("../../x", join(there, "d/up"));
    const { stderr, code } = await cp(`web:${there}/d`, here);
    expect(stderr.split("\n").sort()).toEqual([
      "",
      "dockershim: left out d/outside: it is a link to /etc/shadow, outside",
      "dockershim: left out d/up: it is a link to ../../x, outside",
    ]);
    expect(code).toBe(0);
    expect((await stat(join(here, "d/su"))).mode & 0o7777).toBe(0o755);
    expect(await readdir(join(here, "d"))).toEqual(["su"]);
  });

  test.each([
    ["a path upwards", { path: "d/../../evil", type: "File", size: 4 }],
    ["an absolute path", { path: "/evil", type: "File", size: 4 }],
    ["another name", { path: "evil", type: "File", size: 4 }],
  ] as const)("%s ends it", async (_, entry) => {
    runTar = sending({ path: "d/", type: "Directory", mode: 0o755 }, entry);
    expect(await cp(`web:${there}/d`, here)).toMatchObject({
      stderr: `dockershim: cp: the container's tar sent "${entry.path}", which is not in "d"\n`,
      code: 1,
    });
    expect(await readdir(dir)).toEqual(["here", "there"]);
  });

  test("nothing is written through a link that came before", async () => {
    const victim = join(dir, "victim");
    await mkdir(victim);
    await mkdir(join(here, "d"));
    await symlink(victim, join(here, "d/link"));
    runTar = sending(
      { path: "d/", type: "Directory", mode: 0o755 },
      { path: "d/link/evil", type: "File", size: 4 },
    );
    expect((await cp(`web:${there}/d`, here)).code).toBe(1);
    expect(await readdir(victim)).toEqual([]);
  });

  test.each([
    ["d/a", "b/../../.."],
    ["d/a/b", "../../x"],
  ])("a link %s to %s is left out", async (path, linkpath) => {
    runTar = sending(
      { path: "d/", type: "Directory", mode: 0o755 },
      { path, type: "SymbolicLink", linkpath },
    );
    const { stderr } = await cp(`web:${there}/d`, here);
    expect(stderr).toBe(`dockershim: left out ${path}: it is a link to ${linkpath}, outside\n`);
    await expect(lstat(join(here, path))).rejects.toThrow("ENOENT");
  });

  test("tar's own complaint is told", async () => {
    expect(await cp(`web:${there}/none`, here)).toMatchObject({
      stderr: expect.stringMatching(
        /^dockershim: cp: tar in default\/front\/web failed with code 2: tar: none: .*\n$/,
      ),
      code: 1,
    });
  });

  test("one without tar is told so", async () => {
    runTar = async () => {
      throw new Error('exec: "tar": executable file not found in $PATH');
    };
    const told = await cp("web:/etc/hosts", here);
    expect(told.stderr).toMatch(/^dockershim: cp: default\/front\/web has no tar, .*\n$/);
    expect(told.code).toBe(1);
    runTar = async () => ({ exitCode: 127 });
    expect(await cp("web:/etc/hosts", here)).toEqual(told);
  });

  test("a folder that is not there is not made", async () => {
    expect(await cp(`web:${there}`, join(here, "no/such"))).toMatchObject({
      stderr: `dockershim: cp: there is no folder ${here}/no; make it first\n`,
      code: 1,
    });
  });
});

describe("into a container", () => {
  test("a file goes into a folder, or gets a new name", async () => {
    await writeFile(join(here, "a"), "text");
    await chmod(join(here, "a"), 0o464);
    expect(await cp(join(here, "a"), `web:${there}`)).toEqual(fine);
    expect(await cp(join(here, "a"), `web:${there}/b`)).toEqual(fine);
    expect(await readFile(join(there, "a"), "utf8")).toBe("text");
    expect(await readFile(join(there, "b"), "utf8")).toBe("text");
  });

  test("a folder goes whole, under its name or another", async () => {
    await mkdir(join(here, "site/deep"), { recursive: true });
    await writeFile(join(here, "site/deep/page"), Buffer.alloc(2_000_000, "p"));
    await link(join(here, "site/deep/page"), join(here, "site/hard"));
    await symlink("deep/page", join(here, "site/soft"));
    expect(await cp(join(here, "site"), `web:${there}`)).toEqual(fine);
    expect(await cp(join(here, "site"), `web:${there}/html`)).toEqual(fine);
    for (const name of ["site", "html"]) {
      expect((await stat(join(there, name, "deep/page"))).size).toBe(2_000_000);
      expect((await stat(join(there, name, "hard"))).size).toBe(2_000_000);
      expect(await readlink(join(there, name, "soft"))).toBe("deep/page");
    }
  });

  test("what is not there, here or there, is told", async () => {
    expect(await cp(join(here, "none"), "web:/tmp")).toMatchObject({
      stderr: `dockershim: cp: cannot read ${here}/none: there is no such file\n`,
      code: 1,
    });
    await writeFile(join(here, "a"), "");
    expect(await cp(join(here, "a"), `web:${there}/no/such/b`)).toMatchObject({
      stderr: expect.stringMatching(/^dockershim: cp: tar in .* failed with code 2: tar: .*\n$/),
      code: 1,
    });
  });
});

test.each([
  [["a", "b"], "one of both is in a container"],
  [["web:/a", "web:/b"], "one of both is in a container"],
  [["web:", "b"], '"web:" has no path behind the colon'],
])("%j is wrong usage", async (args, message) => {
  expect(await cp(...args)).toMatchObject({ stderr: expect.stringContaining(message), code: 2 });
});
