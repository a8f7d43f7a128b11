import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { labConfig } from "../../lab/config.ts";
import { findGo } from "../../lab/go-programs.ts";
import { addText, staticBusyboxRoot } from "../../lab/rootfs.ts";
import { hostArchitecture } from "../architecture.ts";
import { flavours } from "../flavour.ts";
import { makeSystemPackage } from "../system-package.ts";
import { sampleContent } from "./sample-content.ts";
import { addSystemdStandIn, systemdCalls } from "./systemd-stand-in.ts";

const versions = ["1.0.0", "1.1.0"] as const;
type Version = (typeof versions)[number];

// nfpm, which makes the packages, is built from source.
const withGo = (await findGo()) !== undefined;

let scratch: string;
/** Paths of packages by name and version. */
const packages = new Map<string, string>();
/** A root file system of a shell and dpkg's database, in which systemd's programs only write down their calls. */
let root: string;

beforeAll(async () => {
  const { cacheDir } = labConfig();
  scratch = mkdtempSync(join(tmpdir(), "deb-"));
  for (const version of withGo ? versions : []) {
    const content = sampleContent(version);
    for (const flavour of flavours) {
      const made = await makeSystemPackage(
        { kind: "deb", flavour, architecture: hostArchitecture(), content, compression: "none" },
        scratch,
        cacheDir,
      );
      packages.set(`${flavour.name} ${version}`, made);
    }
  }
});
afterAll(() => rmSync(scratch, { recursive: true }));

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "deb-root-"));
  await staticBusyboxRoot(root);
  mkdirSync(join(root, "var/lib/dpkg/info"), { recursive: true });
  addText(root, "var/lib/dpkg/status", "");
  addSystemdStandIn(root);
});
afterEach(() => rmSync(root, { recursive: true }));

/** Runs dpkg on the root, and gives what the package's scripts asked of systemd to do with processes. */
function dpkg(...args: string[]): string[] {
  rmSync(join(root, systemdCalls), { force: true });
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
  const calls = existsSync(join(root, systemdCalls))
    ? readFileSync(join(root, systemdCalls), "utf8").trim().split("\n")
    : [];
  return calls.filter((call) => call.startsWith("deb-systemd-invoke"));
}

const inRoot = (path: string): string => join(root, path);

(withGo ? describe : describe.skip).each(
  flavours.map((flavour) => [flavour.name, flavour] as const),
)("%s", (name, flavour) => {
  const { unit, state, defaults } = flavour;
  const config = `/etc/default/${defaults}`;
  const install = (version: Version): string[] =>
    dpkg("--install", packages.get(`${name} ${version}`) ?? "");

  test("an installation starts socket and service", () => {
    expect(install("1.0.0")).toEqual([`deb-systemd-invoke start ${unit}.socket ${unit}.service`]);
    expect(readFileSync(inRoot(config), "utf8")).toBe(flavour.defaultsText);
    const text = readFileSync(inRoot(`/usr/lib/systemd/system/${unit}.service`), "utf8");
    expect(text).toContain(`ExecStart=${flavour.command}\n`);
    expect(text).toContain(`Requires=${unit}.socket\n`);
    const [program = ""] = flavour.command.split(" ");
    expect(statSync(inRoot(program)).mode & 0o777).toBe(0o755);
  });

  test.each([
    ["an upgrade", "1.0.0", "1.1.0"],
    ["a downgrade", "1.1.0", "1.0.0"],
  ] as const)(
    "%s restarts the service alone, if it runs, and keeps a changed file",
    (_, from, to) => {
      install(from);
      writeFileSync(inRoot(config), "# changed\n");
      mkdirSync(inRoot(state), { recursive: true });
      expect(install(to)).toEqual([`deb-systemd-invoke try-restart ${unit}.service`]);
      expect(readFileSync(inRoot(config), "utf8")).toBe("# changed\n");
      expect(existsSync(inRoot(state))).toBe(true);
    },
  );

  test.each([
    ["finished", (): string[] => dpkg("--configure", name)],
    ["taken back", (): string[] => install("1.0.0")],
  ])("an upgrade that was cut short stops nothing, and is %s", (_, goOn) => {
    install("1.0.0");
    expect(dpkg("--unpack", packages.get(`${name} 1.1.0`) ?? "")).toEqual([]);
    expect(goOn()).toEqual([`deb-systemd-invoke try-restart ${unit}.service`]);
  });

  test("a removal stops both, and leaves configuration and state", () => {
    install("1.0.0");
    mkdirSync(inRoot(state), { recursive: true });
    mkdirSync(inRoot("/run/dockershim"), { recursive: true });
    expect(dpkg("--remove", name)).toEqual([
      `deb-systemd-invoke stop ${unit}.service ${unit}.socket`,
    ]);
    expect(existsSync(inRoot("/run/dockershim"))).toBe(false);
    expect(existsSync(inRoot("/usr/bin/dockershim"))).toBe(false);
    expect(existsSync(inRoot(config))).toBe(true);
    expect(existsSync(inRoot(state))).toBe(true);
  });

  test("an installation after a removal starts both again", () => {
    install("1.0.0");
    writeFileSync(inRoot(config), "# changed\n");
    dpkg("--remove", name);
    expect(install("1.1.0")).toEqual([`deb-systemd-invoke start ${unit}.socket ${unit}.service`]);
    expect(readFileSync(inRoot(config), "utf8")).toBe("# changed\n");
  });

  test("a purge leaves nothing", () => {
    install("1.0.0");
    mkdirSync(inRoot(state), { recursive: true });
    dpkg("--purge", name);
    for (const path of ["/etc/dockershim", config, state]) {
      expect(existsSync(inRoot(path))).toBe(false);
    }
  });
});

(withGo ? test : test.skip)("the two exclude each other", () => {
  dpkg("--install", packages.get("dockershim 1.0.0") ?? "");
  expect(() => dpkg("--install", packages.get("dockershim-cri-dockerd 1.0.0") ?? "")).toThrow(
    "conflicting packages",
  );
});
