import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { command } from "../lab/command.ts";
import { findProgram, installMissing, type Need } from "../lab/debian.ts";
import { type ImageRecipe, searchPath } from "../lab/images.ts";
import { LabError } from "../lab/lab-error.ts";
import {
  markedRoot,
  nginxRoot,
  pauseCommand,
  pauseRoot,
  recipesOf,
  setuidCommand,
  setuidRoot,
} from "../lab/look-alikes.ts";
import {
  addFile,
  addProgram,
  addText,
  addUserInGroup,
  busyboxRoot,
  staticBusyboxRoot,
} from "../lab/rootfs.ts";

const e2e = "e2e-test-images";

/** Programs of Debian that the suite's specs run in containers, and that busybox has not or not so. */
const tools: readonly Need[] = [
  { file: "bash", package: "bash" },
  { file: "curl", package: "curl" },
  { file: "date", package: "coreutils" },
  { file: "dig", package: "bind9-dnsutils" },
  { file: "getent", package: "libc-bin" },
  { file: "ip", package: "iproute2" },
  { file: "iperf", package: "iperf" },
  { file: "nc.openbsd", package: "netcat-openbsd" },
  { file: "openssl", package: "openssl" },
  { file: "socat", package: "socat" },
  { file: "ss", package: "iproute2" },
];

/** Those that the images are made with, or that are in them under another name. */
const ownUse: readonly string[] = ["date", "openssl"];

/** Puts Debian's program into an image, before busybox' applet of that name on the PATH. */
async function addTool(root: string, file: string, name = file): Promise<void> {
  const found = findProgram(file);
  if (found === undefined) throw new LabError("host", `${file} is not on this machine`);
  await addProgram(root, found, `usr/local/bin/${name}`);
}

async function toolsRoot(root: string, cacheDir: string): Promise<void> {
  await busyboxRoot(root, cacheDir);
  for (const { file } of tools.filter((tool) => !ownUse.includes(tool.file))) {
    await addTool(root, file, file.replace(".openbsd", ""));
  }
  linkSync(join(root, "usr/local/bin/bash"), join(root, "bin/bash"));
}

/** Specs take the milliseconds of their notes from nmeter, which Debian's busybox has not. */
async function addNmeter(root: string): Promise<void> {
  await addTool(root, "date", "coreutils-date");
  const nmeter = "usr/bin/nmeter";
  addText(root, nmeter, "#!/bin/sh\nexec coreutils-date -u +%H:%M:%S.%3N\n");
  chmodSync(join(root, nmeter), 0o755);
}

/** Busybox' own images have all applets in one folder. */
function linkIntoBin(root: string): void {
  for (const folder of ["sbin", "usr/bin", "usr/sbin"]) {
    for (const name of readdirSync(join(root, folder))) {
      const link = join(root, "bin", name);
      if (!existsSync(link)) linkSync(join(root, folder, name), link);
    }
  }
}

/** A certificate that nobody checks, for servers that answer by TLS. */
async function addServerCertificate(root: string): Promise<void> {
  const files = ["-keyout", join(root, "localhost.key"), "-out", join(root, "localhost.crt")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  await command("openssl", [
    ...["req", "-x509", "-days", "3650", "-nodes"],
    ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ...[...subject, ...files],
  ]);
}

function agnhostRoot(agnhost: string): ImageRecipe["build"] {
  return async (root, cacheDir) => {
    await toolsRoot(root, cacheDir);
    await addNmeter(root);
    linkIntoBin(root);
    await addServerCertificate(root);
    addFile(root, agnhost, "agnhost");
    // A second name for it, by which specs tell one entry point from another.
    linkSync(join(root, "agnhost"), join(root, "agnhost-2"));
    mkdirSync(join(root, "uploads"));
    addUserInGroup(root, "user-defined-in-image");
  };
}

async function suiteBusyboxRoot(root: string, cacheDir: string): Promise<void> {
  await busyboxRoot(root, cacheDir);
  await addNmeter(root);
  linkIntoBin(root);
}

/** Kubernetes' program that has two devices to give away. */
function devicePluginRoot(program: string): ImageRecipe["build"] {
  return async (root) => {
    await staticBusyboxRoot(root);
    addFile(root, program, "sampledeviceplugin");
  };
}

/** Installs what the images are made of. */
export function installImageTools(): Promise<void> {
  return installMissing(tools);
}

/**
 * A stand-in for Kubernetes' image of servers and clients for tests, to be served by the lab's registry: see
 * `lookAlikeImages`.
 *
 * @param registry - the lab's own registry, as `host:port`
 * @param agnhost - its program, built from the same source
 */
export function agnhostImage(registry: string, agnhost: string): ImageRecipe {
  return {
    repository: `${registry}/${e2e}/agnhost`,
    tag: "2.66.1",
    aliases: ["2.55"],
    revision: 1,
    build: agnhostRoot(agnhost),
    changes: [searchPath, 'ENTRYPOINT ["/agnhost"]', 'CMD ["pause"]'],
  };
}

/** Images that no spec here runs: those of image garbage collection pull them to have what can go. */
const onlyPulled: readonly (readonly [name: string, tag: string])[] = [
  ["cadvisor/cadvisor", "v0.47.2"],
  [`${e2e}/node-perf/npb-ep`, "1.6.0"],
  [`${e2e}/node-perf/npb-is`, "1.7.0"],
  [`${e2e}/node-perf/pytorch-wide-deep`, "1.0.0"],
  [`${e2e}/perl`, "5.26"],
  [`${e2e}/volume/nfs`, "1.6.0"],
  ["etcd", "3.7.0-0"],
  ["nfvpe/sriov-device-plugin", "v3.1"],
  ["node-problem-detector/node-problem-detector", "v1.35.2"],
];

/** Stand-ins for the images of Kubernetes' node suite; see {@link agnhostImage}. */
export function nodeSuiteImages(registry: string, agnhost: string): ImageRecipe[] {
  const image = recipesOf(registry);
  const nginx = ['CMD ["nginx"]'];
  return [
    agnhostImage(registry, agnhost),
    image(`${e2e}/busybox`, "1.37.0-2", suiteBusyboxRoot, undefined, ["1.36.1-1"]),
    image(`${e2e}/glibc-dns-testing`, "2.1.1", toolsRoot),
    image(`${e2e}/ipc-utils`, "1.4", busyboxRoot),
    image(`${e2e}/nginx`, "1.27.0-2", nginxRoot(80), nginx, ["1.28.0-2"]),
    image(`${e2e}/nonewprivs`, "1.4", setuidRoot, [setuidCommand]),
    image(`${e2e}/nonroot`, "1.5", busyboxRoot, ["USER 1234", 'CMD ["sh"]']),
    image("pause", "3.10.2", pauseRoot, [pauseCommand]),
  ];
}

/**
 * Stand-ins for what only those of the suite's specs want that run one at a time; see {@link agnhostImage}.
 *
 * @param devicePlugin - the program of Kubernetes' sample of a device plugin
 */
export function serialSuiteImages(registry: string, devicePlugin: string): ImageRecipe[] {
  const image = recipesOf(registry);
  return [
    image(`${e2e}/sample-device-plugin`, "1.8.0", devicePluginRoot(devicePlugin), [
      'ENTRYPOINT ["/sampledeviceplugin", "-alsologtostderr"]',
    ]),
    ...onlyPulled.map(([name, tag]) => image(name, tag, markedRoot(`${name}:${tag}`))),
  ];
}
