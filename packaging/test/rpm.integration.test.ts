import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { labConfig } from "../../lab/config.ts";
import { installMissing } from "../../lab/debian.ts";
import { findGo } from "../../lab/go-programs.ts";
import { addText, staticBusyboxRoot } from "../../lab/rootfs.ts";
import { hostArchitecture } from "../architecture.ts";
import { flavours } from "../flavour.ts";
import { makeSystemPackage } from "../system-package.ts";
import { sampleContent } from "./sample-content.ts";

// nfpm, which makes the packages, is built from source.
const withGo = (await findGo()) !== undefined;

let scratch: string;
/** Paths of packages by name and version. */
const packages = new Map<string, string>();
/** A root file system of a shell and rpm's database, in which systemctl only writes down its calls. */
let root: string;

beforeAll(async () => {
  if (!withGo) return;
  await installMissing([{ file: "rpm", package: "rpm" }]);
  const { cacheDir } = labConfig();
  scratch = mkdtempSync(join(tmpdir(), "rpm-"));
  for (const version of ["1.0.0", "1.1.0"]) {
    const content = sampleContent(version);
    for (const flavour of flavours) {
      const order = { flavour, architecture: hostArchitecture(), content } as const;
      packages.set(
        `${flavour.name} ${version}`,
        await makeSystemPackage({ kind: "rpm", ...order, compression: "gzip" }, scratch, cacheDir),
      );
    }
  }
});
afterAll(() => {
  if (withGo) rmSync(scratch, { recursive: true });
});

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "rpm-root-"));
  await staticBusyboxRoot(root);
  mkdirSync(join(root, "tmp"), { recursive: true });
  addText(root, "bin/systemctl", '#!/bin/sh\necho "$*" >> /tmp/calls\n');
  chmodSync(join(root, "bin/systemctl"), 0o755);
});
afterEach(() => rmSync(root, { recursive: true }));

/** Runs rpm on the root, and gives what the package's scripts asked of systemd. */
function rpm(...args: string[]): string[] {
  rmSync(inRoot("/tmp/calls"), { force: true });
  // There are no libraries: what the package depends on is not what is tested here.
  const { status, stderr } = spawnSync("rpm", [`--root=${root}`, "--nodeps", ...args], {
    encoding: "utf8",
    env: { PATH: `/bin:${process.env.PATH}` },
  });
  if (status !== 0 || stderr.includes("scriptlet failed")) throw new Error(stderr);
  const calls = existsSync(inRoot("/tmp/calls")) ? readFileSync(inRoot("/tmp/calls"), "utf8") : "";
  return calls.split("\n").filter((call) => call !== "" && call !== "daemon-reload");
}

const inRoot = (path: string): string => join(root, path);

(withGo ? describe : describe.skip).each(
  flavours.map((flavour) => [flavour.name, flavour] as const),
)("%s", (name, { unit, state, defaults, command }) => {
  const config = `/etc/default/${defaults}`;
  const packageOf = (version: string): string => packages.get(`${name} ${version}`) ?? "";

  test("an installation starts nothing, as RPM systems have it", () => {
    expect(rpm("--install", packageOf("1.0.0"))).toEqual([`preset ${unit}.socket ${unit}.service`]);
    const service = readFileSync(inRoot(`/usr/lib/systemd/system/${unit}.service`), "utf8");
    expect(service).toContain(`ExecStart=${command}\n`);
    expect(existsSync(inRoot(command.split(" ")[0] ?? ""))).toBe(true);
  });

  test("an upgrade and a downgrade restart the service, if it runs, and keep a changed file", () => {
    rpm("--install", packageOf("1.0.0"));
    writeFileSync(inRoot(config), "# changed\n");
    for (const way of [[packageOf("1.1.0")], ["--oldpackage", packageOf("1.0.0")]]) {
      expect(rpm("--upgrade", ...way)).toEqual([`try-restart ${unit}.service`]);
      expect(readFileSync(inRoot(config), "utf8")).toBe("# changed\n");
    }
  });

  test("a removal stops both, and leaves the state", () => {
    rpm("--install", packageOf("1.0.0"));
    for (const folder of [state, "/run/dockershim"]) mkdirSync(inRoot(folder), { recursive: true });
    expect(rpm("--erase", name)).toEqual([`disable --now ${unit}.service ${unit}.socket`]);
    expect(existsSync(inRoot("/usr/bin/dockershim"))).toBe(false);
    expect(existsSync(inRoot("/run/dockershim"))).toBe(false);
    expect(existsSync(inRoot(state))).toBe(true);
  });
});

(withGo ? test : test.skip)("the two exclude each other", () => {
  rpm("--install", packages.get("dockershim 1.0.0") ?? "");
  const { status, stderr } = spawnSync(
    "rpm",
    [`--root=${root}`, "--install", packages.get("dockershim-cri-dockerd 1.0.0") ?? ""],
    { encoding: "utf8" },
  );
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/conflicts with/);
});
