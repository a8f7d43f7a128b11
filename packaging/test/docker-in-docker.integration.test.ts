import { execFile } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { specHookPrograms } from "@dockershim/spec-hook/program-files";
import { blocksOf, labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { labConfig } from "../../lab/config.ts";
import { installMissing } from "../../lab/debian.ts";
import { enginePrograms } from "../../lab/engine-programs.ts";
import { findGo } from "../../lab/go-programs.ts";
import { type ImageRecipe, importImage, searchPath } from "../../lab/images.ts";
import { addFile, addProgram, addText, busyboxRoot } from "../../lab/rootfs.ts";
import { hostArchitecture } from "../architecture.ts";
import { bundleProgram } from "../bundle.ts";
import { makeExecutable } from "../executable.ts";
import { flavours } from "../flavour.ts";
import { makeSystemPackage } from "../system-package.ts";
import { sampleContent } from "./sample-content.ts";

// Runs docs/docker-in-docker.md as it is printed, on the lab's engine: the node's own engine is another one of the
// same version. No registry is there, so `debian:trixie` is a stand-in that has the programs of the packages
// which the page installs, and an apt-get that unpacks our package alone.

const page = "docker-in-docker.md";
const run = promisify(execFile);
const architecture = hostArchitecture();
const config = labConfig();
const endpoint = labVariable("LAB_DOCKER_ENDPOINT");
// nfpm, which makes the package, is built from source.
const withGo = (await findGo()) !== undefined;

/** The environment of a shell whose Docker is the lab's. */
const onLab = { ...process.env, DOCKER_HOST: endpoint, DOCKER_BUILDKIT: "0" };

/**
 * Docker 20.10 gives a privileged container all capabilities that there are, newer ones those that Docker has itself. So where
 * the machine lacks some, as a container does, the older cannot start any.
 */
async function canBePrivileged(): Promise<boolean> {
  const image = labVariable("LAB_IMAGE");
  try {
    await run("docker", ["run", "--rm", "--privileged", image, "true"], { env: onLab });
    return true;
  } catch (error) {
    if (/unable to apply caps/.test((error as { stderr: string }).stderr)) return false;
    throw error;
  }
}

await installMissing([{ file: "docker", package: "docker.io" }]);
const privileged = await canBePrivileged();

let dir: string;
let executable: string;

/** What the stand-in has for each package that the page installs. */
const standIns: Readonly<Record<string, (root: string) => Promise<void>>> = {
  "docker.io": async (root) => {
    const { path } = await enginePrograms(config);
    const names = ["dockerd", "docker-proxy", "containerd", "containerd-shim-runc-v2", "runc"];
    for (const name of names) {
      const [found] = path.split(":").flatMap((folder) => globSync(join(folder, name)));
      if (found === undefined) throw new Error(`${name} is not in ${path}`);
      await addProgram(root, found, `usr/bin/${name}`);
    }
  },
  "containernetworking-plugins": async (root) => {
    for (const name of ["bridge", "host-local", "portmap", "loopback"]) {
      await addProgram(root, join(labVariable("LAB_CNI_BIN_DIR"), name), `usr/lib/cni/${name}`);
    }
  },
  iptables: async (root) => {
    for (const name of ["iptables", "ip6tables"]) {
      await addProgram(root, `/usr/sbin/${name}`, `usr/sbin/${name}`);
    }
    for (const folder of globSync("/usr/lib/*/xtables")) {
      for (const file of readdirSync(folder)) addFile(root, join(folder, file), join(folder, file));
    }
  },
  iproute2: (root) => addProgram(root, "/bin/ip", "bin/ip"),
};

/** Takes apart what `apt-get install` is given as a file; the rest is there. */
const aptGet = `#!/bin/sh
for each in "$@"; do
  case $each in *.deb) dpkg-deb --extract "$each" / ;; esac
done
`;

const debianStandIn: ImageRecipe = {
  repository: "debian",
  tag: "trixie",
  revision: 0,
  changes: [searchPath],
  async build(root, cacheDir) {
    await busyboxRoot(root, cacheDir);
    for (const add of Object.values(standIns)) await add(root);
    for (const name of ["mount", "unshare", "flock", "nsenter", "dpkg-deb", "tar"]) {
      const [found = name] = ["/usr/bin", "/bin"].flatMap((folder) => globSync(join(folder, name)));
      await addProgram(root, found, `usr/bin/${name}`);
      rmSync(join(root, "bin", name), { force: true });
    }
    // The libraries that our package depends on.
    await addProgram(root, executable, "tmp/dockershim");
    rmSync(join(root, "tmp/dockershim"));
    addText(root, "usr/bin/apt-get", aptGet);
    chmodSync(join(root, "usr/bin/apt-get"), 0o755);
  },
};

/**
 * Runs a script where the page's reader is: in a checkout, with the lab's engine for the machine's.
 *
 * @param strict Whether a command that fails ends it, and fails the test.
 */
async function shell(script: string, { strict = true } = {}): Promise<string> {
  // The page waits in loops of the shell's, which have to end with the test.
  const limited = ["120", "sh", ...(strict ? ["-euc", script] : ["-uc", `${script}\n:`])];
  const { stdout } = await run("timeout", limited, {
    cwd: dir,
    env: onLab,
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

const inNode = (command: string): Promise<string> => shell(`docker exec node1 ${command}`);

/** Runs the page's blocks below a heading, one by one; gives what each printed. */
async function follow(heading: string, options?: { strict: boolean }): Promise<string[]> {
  const blocks = blocksOf(page, heading);
  expect(blocks).not.toEqual([]);
  const printed: string[] = [];
  for (const block of blocks) {
    printed.push(await shell(block.replaceAll("_amd64.deb", `_${architecture.name}.deb`), options));
  }
  return printed;
}

beforeAll(async () => {
  if (!withGo) return;
  dir = mkdtempSync(join(tmpdir(), "docker-in-docker-"));
  const bundle = await bundleProgram(resolve(import.meta.dirname, "../.."));
  executable = await makeExecutable(bundle, architecture, join(dir, "made"), config.cacheDir);
  const [flavour] = flavours;
  if (flavour === undefined) throw new Error("there is no package");
  const content = {
    ...sampleContent("1.0.0"),
    executable,
    specHook: specHookPrograms[architecture.name],
  };
  const order = { kind: "deb", flavour, architecture, content, compression: "none" } as const;
  const made = await makeSystemPackage(order, dir, config.cacheDir);
  mkdirSync(join(dir, "out"));
  copyFileSync(made, join(dir, `out/dockershim_1.0.0_${architecture.name}.deb`));
  const dockerSocket = endpoint.replace("unix://", "");
  await importImage({ ...config, dockerSocket, stateDir: dir }, debianStandIn);
  await shell(`docker tag ${labVariable("LAB_IMAGE")} busybox`);
  // The page's packages are those that the stand-in has.
  const text = blocksOf(page, "The image").join("");
  const [, names = ""] =
    /--no-install-recommends \\\n +(.*) \/tmp\/dockershim\.deb$/m.exec(text) ?? [];
  expect(names.split(" ").sort()).toEqual(Object.keys(standIns).sort());
  await follow("The image");
});

afterAll(async () => {
  if (!withGo) return;
  await shell(
    `docker rm --force node1
    docker volume rm --force node1-docker node1-dockershim node1-kubelet
    docker rmi --force dockershim-node debian:trixie
    docker rmi busybox`,
    { strict: false },
  );
  rmSync(dir, { recursive: true });
});

(withGo && privileged ? test : test.skip)("a node in a container, as the page has it", async () => {
  // A disk that is nearly full fails a check, and is the machine's.
  const [printed = ""] = await follow("The container", { strict: false });
  expect(printed).toMatch(/RuntimeReady +True\n +NetworkReady +True\n/);
  const report = await shell("docker exec node1 dockershim check --deep -o json", {
    strict: false,
  });
  const { checks }: { checks: { name: string; verdict: string; reason: string }[] } =
    JSON.parse(report);
  const machine = ["disk", "inodes"];
  expect(
    checks.filter(({ name, verdict }) => verdict === "fail" && !machine.includes(name)),
  ).toEqual([]);
  const judged = Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]));
  const wellThere = [
    "engine-here",
    "storage-driver",
    "propagation",
    "root-dir",
    "cni-deep",
    "runtime",
  ];
  expect(wellThere.filter((name) => judged[name] !== "ok")).toEqual([]);

  const [pod = ""] = await follow("A pod");
  expect(pod).toMatch(/inet 10\.244\.0\.\d+/);
  await until(async () => (await inNode("dockershim logs hello")) === "hello from a pod\n");
  const ps = "dockershim ps --quiet --no-trunc";
  const container = await inNode(ps);
  expect(container).toMatch(/^[0-9a-f]{64}\n$/);

  // Docker and the daemon are started again, and the pod has not ended.
  const starts = "pidof dockerd; cat /var/lib/dockershim/lock";
  const before = await inNode(`sh -c '${starts}'`);
  await inNode(
    `sh -c 'kill -9 $(pidof dockerd) $(sed "s/^process \\([0-9]*\\).*/\\1/" /var/lib/dockershim/lock)'`,
  );
  await until(async () => (await inNode(ps).catch(() => "")) === container, { deadlineMs: 60_000 });
  expect(await inNode(`sh -c '${starts}'`)).not.toBe(before);
  expect(await inNode("dockershim exec hello echo still")).toBe("still\n");

  const restarted = await follow("Stop, start, remove");
  expect(restarted[0]).toMatch(/hello +NotReady/);
  expect(await shell("docker volume ls --quiet")).not.toMatch(/^node1-/m);
});

(withGo ? test : test.skip)(
  "with the machine's socket alone, check says that the engine is elsewhere",
  async () => {
    const socket = endpoint.replace("unix://", "");
    const mounted = `docker run --rm --volume ${socket}:/var/run/docker.sock dockershim-node`;
    const report = await shell(`${mounted} dockershim check --only engine-here -o json`, {
      strict: false,
    });
    expect(JSON.parse(report).checks).toMatchObject([{ name: "engine-here", verdict: "fail" }]);
  },
);
