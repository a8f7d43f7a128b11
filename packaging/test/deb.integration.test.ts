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
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { labConfig } from "../../lab/config.ts";
import { addText, staticBusyboxRoot } from "../../lab/rootfs.ts";
import { hostArchitecture } from "../architecture.ts";
import { makeSystemPackage } from "../system-package.ts";

const config = "/etc/dockershim/config.yaml";
const versions = ["1.0.0", "1.1.0"] as const;
const packages: Record<string, string> = {};
let scratch: string;
/** A root file system of a shell and dpkg's database, in which systemd's programs only write down their calls. */
let root: string;

beforeAll(async () => {
  const { cacheDir } = labConfig();
  scratch = mkdtempSync(join(tmpdir(), "deb-"));
  for (const version of versions) {
    const content = {
      version,
      date: "2026-11-29",
      executable: "/bin/true",
      config: `# of ${version}\n`,
      manual: [{ file: "dockershim.8", text: ".TH DOCKERSHIM 8\n" }],
      completions: { bash: "# bash\n", zsh: "# zsh\n", fish: "# fish\n" },
      licences: "theirs\n",
    };
    const host = hostArchitecture();
    packages[version] = await makeSystemPackage("deb", content, host, scratch, cacheDir, "none");
  }
});
afterAll(() => rmSync(scratch, { recursive: true }));

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "deb-root-"));
  await staticBusyboxRoot(root);
  mkdirSync(join(root, "run/systemd/system"), { recursive: true });
  mkdirSync(join(root, "var/lib/dpkg/info"), { recursive: true });
  addText(root, "var/lib/dpkg/status", "");
  for (const name of ["systemctl", "deb-systemd-invoke", "deb-systemd-helper"]) {
    addText(root, `bin/${name}`, `#!/bin/sh\necho "${name} $*" >> /tmp/calls\n`);
    chmodSync(join(root, "bin", name), 0o755);
  }
});
afterEach(() => rmSync(root, { recursive: true }));

/** Runs dpkg on the root, and gives what the package's scripts asked of systemd to do with processes. */
function dpkg(...args: string[]): string[] {
  rmSync(join(root, "tmp/calls"), { force: true });
  // There are no libraries: what the package depends on is not what is tested here.
  const { status, stderr } = spawnSync(
    "dpkg",
    [`--root=${root}`, "--force-depends", "--force-confold", ...args],
    {
      encoding: "utf8",
      env: { PATH: `/bin:${process.env.PATH}`, DEBIAN_FRONTEND: "noninteractive" },
    },
  );
  if (status !== 0) throw new Error(stderr);
  const calls = existsSync(join(root, "tmp/calls"))
    ? readFileSync(join(root, "tmp/calls"), "utf8").trim().split("\n")
    : [];
  return calls.filter((call) => call.startsWith("deb-systemd-invoke"));
}

const packageOf = (version: (typeof versions)[number]): string => packages[version] ?? "";
const inRoot = (path: string): string => join(root, path);

test("an installation starts socket and service", () => {
  expect(dpkg("--install", packageOf("1.0.0"))).toEqual([
    "deb-systemd-invoke start dockershim.socket dockershim.service",
  ]);
  expect(readFileSync(inRoot(config), "utf8")).toBe("# of 1.0.0\n");
  const unit = readFileSync(inRoot("/usr/lib/systemd/system/dockershim.service"), "utf8");
  expect(unit).toContain("ExecStart=/usr/bin/dockershim serve --listen fd://");
});

test.each([
  ["an upgrade", "1.0.0", "1.1.0"],
  ["a downgrade", "1.1.0", "1.0.0"],
] as const)(
  "%s restarts the service alone, if it runs, and keeps a changed file",
  (_, from, to) => {
    dpkg("--install", packageOf(from));
    writeFileSync(inRoot(config), "logLevel: debug\n");
    mkdirSync(inRoot("/var/lib/dockershim"), { recursive: true });
    expect(dpkg("--install", packageOf(to))).toEqual([
      "deb-systemd-invoke try-restart dockershim.service",
    ]);
    expect(readFileSync(inRoot(config), "utf8")).toBe("logLevel: debug\n");
    expect(existsSync(inRoot("/var/lib/dockershim"))).toBe(true);
  },
);

test("a removal stops both, and leaves configuration and state", () => {
  dpkg("--install", packageOf("1.0.0"));
  mkdirSync(inRoot("/var/lib/dockershim"), { recursive: true });
  expect(dpkg("--remove", "dockershim")).toEqual([
    "deb-systemd-invoke stop dockershim.service dockershim.socket",
  ]);
  expect(existsSync(inRoot("/usr/bin/dockershim"))).toBe(false);
  expect(existsSync(inRoot(config))).toBe(true);
  expect(existsSync(inRoot("/var/lib/dockershim"))).toBe(true);
});

test("a purge leaves nothing", () => {
  dpkg("--install", packageOf("1.0.0"));
  mkdirSync(inRoot("/var/lib/dockershim"), { recursive: true });
  dpkg("--purge", "dockershim");
  for (const path of ["/etc/dockershim", "/etc/default/dockershim", "/var/lib/dockershim"]) {
    expect(existsSync(inRoot(path))).toBe(false);
  }
});
