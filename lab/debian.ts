import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { aptGet, debianCodename, privateApt } from "./apt.ts";
import { cacheFolder } from "./cache.ts";
import { command, toolPath } from "./command.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";

/** A file that must be on the machine (a program on the PATH, or a full path), and the Debian package that has it. */
export interface Need {
  readonly file: string;
  readonly package: string;
}

/** What Go compiles the C code of a module with. */
export const compilerNeeds: readonly Need[] = [
  { file: "gcc", package: "gcc" },
  { file: "/usr/include/stdio.h", package: "libc6-dev" },
];

/** Finds a program on the PATH and in the sbin folders. */
export function findProgram(name: string): string | undefined {
  if (name.startsWith("/")) return existsSync(name) ? name : undefined;
  return toolPath
    .split(":")
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}

function missingOf(needs: readonly Need[]): Need[] {
  return needs.filter(({ file }) => findProgram(file) === undefined);
}

/** Installs the packages of all missing files, and starts none of the services they bring. */
export async function installMissing(needs: readonly Need[], signal?: AbortSignal): Promise<void> {
  const missing = missingOf(needs);
  if (missing.length === 0) return;
  if (findProgram("apt-get") === undefined) {
    const files = missing.map(({ file }) => file).join(", ");
    throw new LabError(
      "host",
      `this machine lacks ${files}, and there is no apt-get to install it`,
    );
  }
  await withLock("apt", () => install(needs, signal));
}

/** Debian asks this script before a package starts its service; 101 means "do not". */
const policyFile = "/usr/sbin/policy-rc.d";
const policy =
  "#!/bin/sh\n# Written by dockershim's lab, which removes it after its installation.\nexit 101\n";

/** Whether nobody but us (or a killed run of us) has a say there. */
function policyIsOurs(): boolean {
  return !existsSync(policyFile) || readFileSync(policyFile, "utf8") === policy;
}

async function install(needs: readonly Need[], signal?: AbortSignal): Promise<void> {
  const packages = [...new Set(missingOf(needs).map((need) => need.package))];
  if (packages.length === 0) return;
  console.error(`lab: installing Debian packages: ${packages.join(" ")}`);
  const ours = policyIsOurs();
  if (ours) writeFileSync(policyFile, policy, { mode: 0o755 });
  try {
    await aptGet(["update"], { signal });
    // Not to be aborted: a package manager that is cut off leaves the machine half-installed.
    await aptGet(["install", "-y", "--no-install-recommends", ...packages], {
      env: { DEBIAN_FRONTEND: "noninteractive" },
    });
  } finally {
    if (ours) rmSync(policyFile, { force: true });
  }
}

/**
 * Downloads packages and unpacks them into one folder, without installing anything. The folder is complete
 * or not there at all, so a second call costs nothing.
 *
 * @param suite - a Debian suite such as "sid"; without it the machine's own
 */
export async function unpackPackages(
  target: string,
  packages: readonly string[],
  { suite, signal }: { readonly suite?: string; readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const from = suite ?? debianCodename();
  const what = `fetching ${packages.join(" ")} from Debian ${from}`;
  await cacheFolder(target, { what, signal }, async ({ part, lock }) => {
    const work = join(part, ".fetch");
    const debs = join(work, "debs");
    mkdirSync(debs, { recursive: true });
    const env = { APT_CONFIG: await privateApt(join(work, "apt"), from) };
    const options = { env, inherit: lock, signal };
    // Without it apt takes a mirror that it cannot reach for an empty one.
    await aptGet(["-o", "APT::Update::Error-Mode=any", "update"], options);
    await aptGet(["download", ...packages], { ...options, cwd: debs });
    for (const deb of readdirSync(debs)) {
      await command("dpkg", ["-x", join(debs, deb), part], { inherit: lock, signal });
    }
    rmSync(work, { recursive: true });
  });
}
