import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type CommandOptions, command, lastWords, tryCommand } from "./command.ts";
import { LabError } from "./lab-error.ts";

/** What apt and dpkg say when another process has one of their locks. */
const locked = /Could not get lock|lock was locked by another process/;

/** What dpkg says after somebody has killed it. */
const interrupted = /dpkg was interrupted/;

/**
 * Runs apt-get. What holds one of its locks is waited for: apt itself waits for dpkg's lock only, not for
 * that of the package lists. What a killed installation left is brought to its end.
 */
export async function aptGet(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const whole = ["-q", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=60", ...args];
  let waited = false;
  let mended = false;
  for (;;) {
    const result = await tryCommand("apt-get", whole, options);
    options.signal?.throwIfAborted();
    if (result.code === 0) return result.stdout;
    const said = `${result.stderr}\n${result.stdout}`;
    if (locked.test(said)) {
      if (!waited) console.error(`lab: waiting for another apt: ${lastWords(result)}`);
      waited = true;
      // Those are fcntl locks, which no command of the shell can wait for.
      await delay(500);
    } else if (interrupted.test(said) && !mended) {
      mended = true;
      console.error("lab: finishing an installation that was interrupted: dpkg --configure -a");
      await command("dpkg", ["--configure", "-a"], options);
    } else {
      throw new LabError("command", `apt-get ${args.join(" ")} failed: ${lastWords(result)}`);
    }
  }
}

/** The code name of the Debian release that runs here, such as "bookworm"; empty where it is not Debian. */
export function debianCodename(): string {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  return /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1] ?? "";
}

/** The address of the mirror that the machine's own apt fetches Debian from. */
export async function mirror(): Promise<string> {
  const format = ["--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"];
  const targets = (await command("apt-get", ["indextargets", ...format]))
    .split("\n")
    .map((line) => line.split(" "));
  const own = targets.find(([, suite]) => suite === debianCodename());
  const uri = (own ?? targets.find(([address]) => address?.endsWith("/debian/")))?.[0];
  if (uri === undefined) throw new LabError("host", "apt has no Debian mirror configured");
  return uri;
}

/**
 * An apt configuration that sees one suite only and writes to the given folder only, so that it needs none
 * of the locks and lists of the machine's own apt. Returns the file for `APT_CONFIG`.
 */
export async function privateApt(folder: string, suite: string): Promise<string> {
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
