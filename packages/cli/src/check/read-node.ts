import { constants } from "node:fs";
import { access, readdir, readFile, statfs } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { runProgram } from "../machine/run-program.js";
import type { NodePlaces } from "../node/node-places.js";
import type { DiskFacts, NodeFacts } from "./check-facts.js";

const sysctlNames = [
  "net.ipv4.ip_forward",
  "net.ipv6.conf.all.forwarding",
  "net.bridge.bridge-nf-call-iptables",
  "net.bridge.bridge-nf-call-ip6tables",
];

/** Features of the kernel by the file that shows them; built in or loaded makes no difference. */
const kernelFiles: Readonly<Record<string, string>> = {
  br_netfilter: "sys/net/bridge/bridge-nf-call-iptables",
  nf_conntrack: "sys/net/netfilter/nf_conntrack_max",
};

const wantedPrograms = ["flock", "ip", "unshare"];

/** Looks at the kernel, its settings, programs and the clock. Nothing is changed. */
export async function readNode(
  places: NodePlaces,
  disks: readonly Pick<DiskFacts, "path" | "use" | "signal">[],
  now: number,
): Promise<NodeFacts> {
  const { root, procDir, path } = places;
  const read = async (file: string): Promise<string | undefined> =>
    await readFile(join(procDir, file), "utf8").catch(() => undefined);
  const mountInfo = (await read("self/mountinfo")) ?? "";
  const sysctls = await Promise.all(
    sysctlNames.map(
      async (name) => [name, await read(`sys/${name.replaceAll(".", "/")}`)] as const,
    ),
  );
  const kernel = await Promise.all(
    Object.entries(kernelFiles).map(
      async ([name, file]) => [name, (await read(file)) !== undefined] as const,
    ),
  );
  const overlay = /\toverlay$/m.test((await read("filesystems")) ?? "");
  const programs = await Promise.all(
    wantedPrograms.map(async (name) => [name, await isThere(name, path)] as const),
  );
  const forward = await runProgram("iptables", ["-w", "2", "-S", "FORWARD"], {
    path,
    timeoutMs: 5_000,
  });
  return {
    cgroups: await readCgroups(mountInfo, root, read),
    systemd: (await read("1/comm"))?.trim() === "systemd",
    sysctls: Object.fromEntries(
      sysctls.flatMap(([name, value]) => (value === undefined ? [] : [[name, value.trim()]])),
    ),
    kernel: { overlay, ...Object.fromEntries(kernel) },
    programs: Object.fromEntries(programs),
    swaps: ((await read("swaps")) ?? "")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.split(/\s/)[0] ?? ""),
    forward: forward.code === 0 ? forward.stdout.trim().split("\n") : undefined,
    disks: await readDisks(disks, root, mountInfo),
    now,
    clockSynchronized: await readClock(path),
  };
}

async function readCgroups(
  mountInfo: string,
  root: string,
  read: (file: string) => Promise<string | undefined>,
): Promise<NodeFacts["cgroups"]> {
  const mounts = [...mountInfo.matchAll(/^\S+ \S+ \S+ \S+ (\S+) .* - (cgroup2?) \S+ (\S+)$/gm)];
  const v1 = mounts.filter(([, , type]) => type === "cgroup");
  if (v1.length > 0) {
    const enabled = ((await read("cgroups")) ?? "")
      .split("\n")
      .flatMap((line) =>
        line.startsWith("#") || !line.endsWith("\t1") ? [] : [line.split("\t")[0] ?? ""],
      );
    const mounted = v1.flatMap(([, , , options = ""]) => options.split(","));
    return { version: 1, controllers: enabled.filter((name) => mounted.includes(name)) };
  }
  const [v2] = mounts;
  if (v2 === undefined) return { version: undefined, controllers: [] };
  const file = join(root, v2[1] ?? "", "cgroup.controllers");
  const text = await readFile(file, "utf8").catch(() => "");
  return { version: 2, controllers: text.trim().split(/\s+/) };
}

/**
 * File systems of folders; those that are not there are left out.
 *
 * @param mountInfo `/proc/self/mountinfo`
 */
export async function readDisks(
  disks: readonly Pick<DiskFacts, "path" | "use" | "signal">[],
  root: string,
  mountInfo: string,
): Promise<DiskFacts[]> {
  return (await Promise.all(disks.map((disk) => readDisk(disk, root, mountInfo)))).flat();
}

async function readDisk(
  disk: Pick<DiskFacts, "path" | "use" | "signal">,
  root: string,
  mountInfo: string,
): Promise<DiskFacts[]> {
  const path = join(root, disk.path);
  const stats = await statfs(path).catch(() => undefined);
  if (stats === undefined) return [];
  const { point, type, shared } = mountOf(path, mountInfo);
  return [
    {
      ...disk,
      mountPoint: point,
      fileSystem: type,
      shared,
      total: stats.blocks * stats.bsize,
      available: stats.bavail * stats.bsize,
      inodes: stats.files,
      inodesFree: stats.ffree,
    },
  ];
}

/** Mount point, type and propagation of the mount that holds a path. */
function mountOf(
  path: string,
  mountInfo: string,
): { readonly point: string; readonly type: string; readonly shared: boolean } {
  let best = { point: "/", type: "", shared: false };
  for (const [, point = "", fields = "", type = ""] of mountInfo.matchAll(
    /^\S+ \S+ \S+ \S+ (\S+) \S+ (.*?)- (\S+) /gm,
  )) {
    const covers = point === "/" || path === point || path.startsWith(`${point}/`);
    if (covers && point.length >= best.point.length) {
      best = { point, type, shared: /\bshared:/.test(fields) };
    }
  }
  return best;
}

/** The type of the file system that holds a path; empty where it is not known. */
export async function readFileSystemType(path: string, procDir: string): Promise<string> {
  const text = await readFile(join(procDir, "self/mountinfo"), "utf8").catch(() => "");
  return mountOf(path, text).type;
}

async function isThere(program: string, path: string): Promise<boolean> {
  for (const folder of path.split(delimiter)) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

async function readClock(path: string): Promise<boolean | undefined> {
  const args = ["show", "--property=NTPSynchronized", "--value"];
  const { code, stdout } = await runProgram("timedatectl", args, { path, timeoutMs: 5_000 });
  return code === 0 && /^(?:yes|no)$/m.test(stdout) ? stdout.trim() === "yes" : undefined;
}

/** Ports that processes of the node listen on, TCP and UDP of both families. */
export async function readListening(
  procDir: string,
): Promise<{ readonly port: number; readonly protocol: string; readonly address: string }[]> {
  const found = await Promise.all(
    ["tcp", "tcp6", "udp", "udp6"].map(async (name) => {
      const text = await readFile(join(procDir, "net", name), "utf8").catch(() => "");
      const protocol = name.replace("6", "");
      // 0A is LISTEN; a UDP socket that is bound and not connected has 07.
      const state = protocol === "tcp" ? "0A" : "07";
      return text.split("\n").flatMap((line) => {
        const [, local = "", , st] = line.trim().split(/\s+/);
        const [address = "", port = ""] = local.split(":");
        return st === state ? [{ protocol, port: Number.parseInt(port, 16), address }] : [];
      });
    }),
  );
  return found.flat();
}

/** The entries of a folder; none where it cannot be read. */
export async function entriesOf(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}
