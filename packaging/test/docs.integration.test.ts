import { execFile } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { blocksOf } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { labConfig } from "../../lab/config.ts";
import { findGo } from "../../lab/go-programs.ts";
import { hostArchitecture } from "../architecture.ts";
import { bundleProgram } from "../bundle.ts";
import { makeExecutable } from "../executable.ts";
import { flavours } from "../flavour.ts";
import { makeSystemPackage } from "../system-package.ts";

// Commands of the pages about installing, as they are printed there, run on a copy of this machine's file system that
// is thrown away, without a network, and with a systemctl that only writes down its calls.

const run = promisify(execFile);
const checkout = resolve(import.meta.dirname, "../..");
const { cacheDir } = labConfig();
const architecture = hostArchitecture();
// nfpm, which makes the packages, is built from source.
const withGo = (await findGo()) !== undefined;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "docs-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** The lines of the blocks for a shell below a heading of a page. */
function linesOf(page: string, heading: string): string[] {
  return blocksOf(page, heading).flatMap((block) => block.split("\n").map((line) => line.trim()));
}

/** Only those lines; the page must have them. */
function pick(lines: readonly string[], pattern: RegExp): string[] {
  const found = lines.filter((line) => pattern.test(line));
  expect(found).not.toEqual([]);
  return found;
}

/**
 * Runs a script as root of the copy, in a folder that it shares with us.
 *
 * @returns What it printed, and what it asked of systemd.
 */
async function runOnCopy(script: readonly string[]): Promise<{ stdout: string; calls: string[] }> {
  const calls = join(dir, "calls");
  writeFileSync(calls, "");
  writeFileSync(join(dir, "script"), script.join("\n"));
  const systemctl = `#!/bin/sh\ncase $1 in show) ;; *) echo "$*" >>${calls} ;; esac\n`;
  writeFileSync(join(dir, "systemctl"), systemctl);
  writeFileSync(join(dir, "sudo"), '#!/bin/sh\nexec "$@"\n');
  for (const program of ["systemctl", "sudo"]) chmodSync(join(dir, program), 0o755);
  const copy = `
    copy=$(mktemp -d) && mount -t tmpfs copy "$copy" && cd "$copy" && mkdir upper work root
    mount -t overlay copy -o lowerdir=/,upperdir=upper,workdir=work root
    mount -t proc proc root/proc && mount --rbind /dev root/dev
    mkdir -p "root${dir}" && mount --bind "${dir}" "root${dir}"
    cp "${dir}/systemctl" "${dir}/sudo" root/usr/local/sbin
    chroot root sh -euc 'cd ${dir} && . ./script'`;
  const { stdout } = await run("unshare", ["--mount", "--net", "sh", "-euc", copy], {
    env: {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      DEBIAN_FRONTEND: "noninteractive",
    },
    maxBuffer: 16 * 1024 * 1024,
  });
  return { stdout, calls: readFileSync(calls, "utf8").split("\n").filter(Boolean) };
}

(withGo ? test : test.skip)(
  "a package: installed, upgraded, downgraded, removed, purged",
  async () => {
    const content = {
      date: "2026-11-29",
      ...{ executable: "/bin/true", specHook: "/bin/true", config: "# none\n", manual: [] },
      ...{ completions: { bash: "", zsh: "", fish: "" }, licences: "" },
    };
    const [flavour] = flavours;
    if (flavour === undefined) throw new Error("there is no package");
    for (const version of ["1.0.0", "1.1.0"]) {
      const order = { kind: "deb", flavour, architecture, compression: "none" } as const;
      await makeSystemPackage({ ...order, content: { ...content, version } }, dir, cacheDir);
    }
    const install = pick(linesOf("install.md", "Packages"), /^apt-get install \S+VERSION/);
    const upgrade = pick(linesOf("upgrade.md", ""), /^apt-get install \S+VERSION/);
    const of = (lines: readonly string[], version: string): string =>
      lines.join("\n").replaceAll("VERSION_amd64", `${version}_${architecture.name}`);
    const [remove = "", purge = ""] = ["remove", "purge"].map((verb) => {
      const [, command = ""] =
        new RegExp(`\`(apt-get ${verb} dockershim)\``).exec(
          readFileSync(join(checkout, "docs/install.md"), "utf8"),
        ) ?? [];
      return command;
    });
    const look = `dpkg-query --show --showformat '@\${Version} \${db:Status-Status}\\n' dockershim`;
    const answered = (command: string): string => `echo y | { ${command}\n}`;
    const { stdout } = await runOnCopy([
      ...[of(install, "1.0.0"), look],
      ...[of(upgrade, "1.1.0"), look],
      // It asks whether a downgrade is meant.
      ...[answered(of(upgrade, "1.0.0")), look],
      ...[answered(remove), look, answered(purge)],
      "ls -d /etc/dockershim /var/lib/dockershim /usr/bin/dockershim 2>/dev/null || echo @nothing",
    ]);
    expect(stdout.match(/(?<=@).*/g)).toEqual([
      ...["1.0.0 installed", "1.1.0 installed", "1.0.0 installed", "1.0.0 config-files", "nothing"],
    ]);
  },
);

/** Makes the executable, once, and puts it where the pages have it. */
async function makePagesExecutable(): Promise<void> {
  const place = join(dir, "out/amd64/dockershim");
  if (existsSync(place)) return;
  const bundle = await bundleProgram(checkout);
  const executable = await makeExecutable(bundle, architecture, join(dir, "made"), cacheDir);
  mkdirSync(join(dir, "out/amd64"), { recursive: true });
  copyFileSync(executable, place);
  chmodSync(place, 0o755);
}

test("one file: set up, and taken away", async () => {
  await makePagesExecutable();
  const lines = linesOf("install.md", "One file");
  const unit = "/etc/systemd/system/dockershim.service";
  const { stdout, calls } = await runOnCopy([
    ...pick(lines, /^sudo (?!dockershim uninstall)/),
    `echo "@$(grep ^ExecStart= ${unit})"`,
    ...pick(lines, /^sudo dockershim uninstall/),
    `[ -e ${unit} ] || echo @gone`,
  ]);
  expect(stdout).toContain(
    "@ExecStart=/usr/local/bin/dockershim serve --listen fd:// --config /etc/dockershim/config.yaml $DOCKERSHIM_OPTS\n",
  );
  expect(stdout).toContain("@gone\n");
  expect(calls).toEqual([
    "daemon-reload",
    "enable --now dockershim.socket dockershim.service",
    "daemon-reload",
  ]);
});

test("a checkout: built and set up", async () => {
  const unit = "/etc/systemd/system/dockershim.service";
  // The checkout is where it is: what was installed into it knows its path. What is built is thrown away with the copy.
  const lines = linesOf("install.md", "From a checkout").filter(Boolean);
  const { stdout, calls } = await runOnCopy([
    // Where this test has its Node from: without a network none can be installed.
    `export PATH="/usr/local/sbin:${process.env.PATH}"`,
    `(${lines.join("\n").replaceAll("/opt/dockershim", checkout)})`,
    `echo "@$(grep ^ExecStart= ${unit})"`,
    'echo "@$(dockershim --version)"',
    "dockershim uninstall",
    `[ -e ${unit} ] || echo @gone`,
  ]);
  const command = join(checkout, "packages/cli/bin/dockershim.js");
  expect(stdout).toMatch(new RegExp(`^@ExecStart=.*/node .*${command} serve --listen fd://`, "m"));
  expect(stdout).toMatch(/^@\d+\.\d+\.\d+$/m);
  expect(stdout).toContain("@gone\n");
  expect(calls).toContain("enable --now dockershim.socket dockershim.service");
});

test("minikube: the executable goes into the node, and answers as cri-dockerd", async () => {
  await makePagesExecutable();
  // The copy is the node: what minikube copies there and runs there.
  const minikube = `#!/bin/sh
    case $1 in
      start) echo "@$*" ;;
      cp) cp "$2" "$3" ;;
      ssh) shift 2; sh -c "$*" ;;
    esac`;
  writeFileSync(join(dir, "minikube"), minikube);
  chmodSync(join(dir, "minikube"), 0o755);
  const lines = linesOf("distributions.md", "minikube");
  const { stdout, calls } = await runOnCopy([`cp ${dir}/minikube /usr/local/sbin`, ...lines]);
  expect(stdout).toContain("@start --container-runtime=docker\n");
  const [, told = ""] =
    /^minikube ssh -- cri-dockerd --version +# (.*)$/m.exec(lines.join("\n")) ?? [];
  expect(told).toMatch(/dockershim/);
  expect(stdout.trimEnd().split("\n").at(-1)).toBe(told);
  expect(calls).toEqual(["restart cri-docker.service"]);
});

test("kubespray: the executable takes cri-dockerd's place", async () => {
  await makePagesExecutable();
  const { stdout, calls } = await runOnCopy([
    ...linesOf("distributions.md", "kubespray"),
    "/usr/local/bin/cri-dockerd --version",
  ]);
  expect(stdout).toMatch(/^cri-dockerd \S+ \(dockershim\)$/m);
  expect(calls).toEqual(["restart cri-dockerd.service"]);
});

test("k3s: its folders are options of the daemon's, and its endpoint the one that is listened on", async () => {
  await makePagesExecutable();
  const [yaml = ""] = blocksOf("distributions.md", "k3s", "yaml");
  writeFileSync(join(dir, "k3s.yaml"), yaml);
  const { stdout } = await runOnCopy([
    `${dir}/out/amd64/dockershim config validate --config ${dir}/k3s.yaml`,
    `${dir}/out/amd64/dockershim config default | sed -n 's/^#\\? *listen: /@/p'`,
  ]);
  const [, endpoint] =
    /--container-runtime-endpoint (\S+)/.exec(blocksOf("distributions.md", "k3s").join("")) ?? [];
  expect(stdout).toContain(`@${endpoint}\n`);
  expect(yaml).toMatch(/^cniConfDir: \/var\/lib\/rancher\/k3s\//m);
});
