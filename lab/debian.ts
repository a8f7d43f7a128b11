import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { command, toolPath, tryCommand } from "./command.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";

/** A file that must be on the machine (a program on the PATH, or a full path), and the Debian package that has it. */
export interface Need {
  readonly file: string;
  readonly package: string;
}

/** Finds a program on the PATH and in the sbin folders. */
export function findProgram(name: string): string | undefined {
  if (name.startsWith("/")) return existsSync(name) ? name : undefined;
  return toolPath
    .split(":")
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}

/** Installs the packages of all missing files, and starts none of the services they bring. */
export async function installMissing(needs: readonly Need[]): Promise<void> {
  const missing = needs.filter(({ file }) => findProgram(file) === undefined);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((need) => need.package))];
  if (findProgram("apt-get") === undefined) {
    const files = missing.map(({ file }) => file).join(", ");
    throw new LabError(
      "host",
      `this machine lacks ${files}, and there is no apt-get to install it`,
    );
  }
  console.error(`lab: installing Debian packages: ${packages.join(" ")}`);
  // Debian asks this script before a package starts its service; 101 means "do not".
  const policy = "/usr/sbin/policy-rc.d";
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await command("apt-get", ["update", "-qq"]);
    await command("apt-get", ["install", "-qq", "-y", "--no-install-recommends", ...packages], {
      env: { DEBIAN_FRONTEND: "noninteractive" },
    });
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

/** The code name of the Debian release that runs here, such as "bookworm"; empty where it is not Debian. */
export function debianCodename(): string {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  return /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1] ?? "";
}

/** The address of the mirror that the machine's own apt fetches Debian from. */
async function mirror(): Promise<string> {
  const format = ["--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"];
  const targets = (await command("apt-get", ["indextargets", ...format]))
    .split("\n")
    .map((line) => line.split(" "));
  const own = targets.find(([, suite]) => suite === debianCodename());
  const uri = (own ?? targets.find(([address]) => address?.endsWith("/debian/")))?.[0];
  if (uri === undefined) throw new LabError("host", "apt has no Debian mirror configured");
  return uri;
}

/** An apt configuration that sees one suite only and writes to the given folder only. */
async function privateApt(folder: string, suite: string): Promise<string> {
  const sources = join(folder, "sources.d");
  for (const part of ["lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(folder, part), { recursive: true });
  }
  mkdirSync(sources, { recursive: true });
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  writeFileSync(
    join(sources, "lab.sources"),
    [
      "Types: deb",
      `URIs: ${await mirror()}`,
      `Suites: ${suite}`,
      "Components: main",
      ...(existsSync(keyring) ? [`Signed-By: ${keyring}`] : []),
      "",
    ].join("\n"),
  );
  // An empty list of installed packages: apt would go for their versions, which this suite may not have.
  const installed = join(folder, "status");
  writeFileSync(installed, "");
  const file = join(folder, "apt.conf");
  writeFileSync(
    file,
    [
      'Dir::Etc::SourceList "/dev/null";',
      `Dir::Etc::SourceParts "${sources}";`,
      'Dir::Etc::Preferences "/dev/null";',
      'Dir::Etc::PreferencesParts "/dev/null";',
      `Dir::State::Lists "${join(folder, "lists")}";`,
      `Dir::State::Status "${installed}";`,
      `Dir::Cache "${join(folder, "cache")}";`,
      'Acquire::Languages "none";',
      'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";',
      'APT::Sandbox::User "root";',
      // A mirror may stand still at some day for good; its signatures are checked all the same.
      'Acquire::Check-Valid-Until "false";',
      "",
    ].join("\n"),
  );
  return file;
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
  suite?: string,
): Promise<void> {
  if (existsSync(target)) return;
  await withLock(`unpack ${target}`, () => unpack(target, packages, suite));
}

async function unpack(target: string, packages: readonly string[], suite?: string): Promise<void> {
  if (existsSync(target)) return;
  const work = `${target}.part`;
  rmSync(work, { recursive: true, force: true });
  const debs = join(work, "debs");
  mkdirSync(debs, { recursive: true });
  console.error(`lab: fetching ${packages.join(" ")}${suite ? ` from Debian ${suite}` : ""}`);
  const env: Record<string, string> = {};
  if (suite !== undefined) {
    env.APT_CONFIG = await privateApt(join(work, "apt"), suite);
    await command("apt-get", ["update", "-qq"], { env });
  }
  const download = ["download", "-qq", "-o", "APT::Sandbox::User=root", ...packages];
  if ((await tryCommand("apt-get", download, { env, cwd: debs })).code !== 0) {
    await command("apt-get", ["update", "-qq"], { env });
    await command("apt-get", download, { env, cwd: debs });
  }
  const tree = join(work, "tree");
  for (const deb of readdirSync(debs)) await command("dpkg", ["-x", join(debs, deb), tree]);
  renameSync(tree, target);
  rmSync(work, { recursive: true, force: true });
}
