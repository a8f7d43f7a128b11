import type { KubeletSettings } from "../node/read-kubelet.js";
import { formatBinaryBytes } from "../output/byte-size.js";
import type { Check } from "./check.js";
import type { CheckFacts, DiskFacts } from "./check-facts.js";
import { type Finding, fail, ok, skip, warn, worstOf } from "./finding.js";

/** Sysctls that pods need, and what they have to be. */
const sysctls: readonly { readonly name: string; readonly why: string }[] = [
  { name: "net.ipv4.ip_forward", why: "pods reach nothing beyond their node" },
  {
    name: "net.bridge.bridge-nf-call-iptables",
    why: "kube-proxy's rules miss traffic between pods of one node",
  },
];

/** What goes wrong without them. */
const programUses: Readonly<Record<string, string>> = {
  flock: "the root directory is not locked",
  ip: "addresses of pods that are gone may stay masqueraded",
  unshare: "addresses of pods that are gone may stay masqueraded",
};

/** The kubelet's own where its file says nothing. */
const thresholds: Readonly<Record<string, string>> = {
  "nodefs.available": "10%",
  "nodefs.inodesFree": "5%",
  "imagefs.available": "15%",
  "imagefs.inodesFree": "5%",
};

export const nodeChecks: readonly Check[] = [
  {
    name: "kernel-modules",
    runtime: "any",
    judge({ node: { kernel } }) {
      const missing = Object.keys(kernel).filter((name) => kernel[name] === false);
      if (missing.length === 0) return ok(Object.keys(kernel).join(", "));
      return warn(
        `not loaded: ${missing.join(", ")}`,
        `modprobe ${missing.join(" ")}, and a line for each in /etc/modules-load.d/kubernetes.conf`,
      );
    },
  },
  {
    name: "sysctls",
    runtime: "any",
    judge({ node, daemon: { options } }) {
      const wanted = options.podCidr.includes(":")
        ? [
            ...sysctls,
            { name: "net.ipv6.conf.all.forwarding", why: "pods have IPv6 on their node only" },
          ]
        : sysctls;
      const findings = wanted.map(({ name, why }): Finding => {
        const value = node.sysctls[name];
        if (value === undefined) return skip(`${name} is not there`);
        if (value === "1") return ok(`${name} = 1`);
        const remedy = `sysctl -w ${name}=1, and a line in /etc/sysctl.d/kubernetes.conf`;
        return fail(`${name} = ${value}: ${why}`, remedy);
      });
      const worst = worstOf(findings);
      // One that is right is no reason to keep quiet on the others.
      return worst.verdict === "ok" ? ok(findings.map(({ reason }) => reason).join(", ")) : worst;
    },
  },
  {
    name: "forward-policy",
    runtime: "any",
    judge({ node: { forward } }) {
      if (forward === undefined) return skip("iptables could not be asked");
      if (!forward.includes("-P FORWARD DROP")) return ok("ACCEPT");
      // Network add-ons and kube-proxy let their pods through by rules of their own.
      const accepts = forward.filter(
        (rule) =>
          / -j (?:ACCEPT|CNI-FORWARD|KUBE-FORWARD|FLANNEL-FWD|cali-FORWARD|CILIUM_FORWARD)\b/.test(
            rule,
          ) && !/docker0|DOCKER/.test(rule),
      );
      return accepts.length > 0
        ? ok(`DROP, with rules that let pods through (${accepts.length})`)
        : warn(
            "DROP, and no rule lets pods through: they reach other nodes only if the network add-on adds one",
            "iptables -P FORWARD ACCEPT; Docker sets DROP when it turns ip_forward on itself, so set that sysctl before Docker starts",
          );
    },
  },
  {
    name: "programs",
    runtime: "docker",
    judge({ node: { programs } }) {
      const missing = Object.keys(programs).filter((name) => programs[name] === false);
      return missing.length === 0
        ? ok(Object.keys(programs).join(", "))
        : warn(
            missing.map((name) => `no ${name}: ${programUses[name]}`).join("; "),
            "install util-linux and iproute2",
          );
    },
  },
  {
    name: "propagation",
    runtime: "any",
    judge({ node: { disks } }) {
      const volumes = disks.find(({ use }) => use === "volumes");
      if (volumes === undefined) return skip("the kubelet's folder is not there yet");
      const { path, mountPoint, shared } = volumes;
      return shared
        ? ok(`${mountPoint} is shared`)
        : warn(
            `${mountPoint}, which holds ${path}, is not shared: containers with mountPropagation, as storage drivers have it, do not start`,
            `mount --make-rshared ${mountPoint}`,
          );
    },
  },
  {
    name: "disk",
    runtime: "any",
    judge: (facts) => judgeDisks(facts, "available"),
  },
  {
    name: "inodes",
    runtime: "any",
    judge: (facts) => judgeDisks(facts, "inodesFree"),
  },
  {
    name: "clock",
    runtime: "any",
    judge({ node, engine: { answer } }) {
      const engineTime = Date.parse(answer?.info.SystemTime ?? "");
      const apart = answer === undefined ? Number.NaN : Math.abs(engineTime - answer.at);
      if (apart > 5_000) {
        return warn(
          `Docker's clock and this node's are ${Math.round(apart / 1000)} s apart`,
          "let NTP keep both",
        );
      }
      if (node.clockSynchronized === undefined) return skip("nobody tells whether NTP keeps it");
      return node.clockSynchronized
        ? ok("kept by NTP")
        : warn("not kept by NTP: certificates and leases go by it", "timedatectl set-ntp true");
    },
  },
];

function judgeDisks(facts: CheckFacts, quantity: "available" | "inodesFree"): Finding {
  // Several things may be on one file system.
  const byMount = Map.groupBy(facts.node.disks, ({ mountPoint }) => mountPoint);
  const findings = [...byMount.values()].flatMap((disks) => {
    const counted = disks.filter((disk) => quantity === "available" || disk.inodes > 0);
    return counted.length === 0 ? [] : [judgeDisk(counted, quantity, facts)];
  });
  return findings.length === 0 ? skip("no file system could be looked at") : worstOf(findings);
}

function judgeDisk(
  disks: readonly DiskFacts[],
  quantity: "available" | "inodesFree",
  { kubelet: { settings } }: CheckFacts,
): Finding {
  const [disk] = disks;
  if (disk === undefined) return skip("no file system");
  const [free, total] =
    quantity === "available" ? [disk.available, disk.total] : [disk.inodesFree, disk.inodes];
  const percent = total === 0 ? 100 : (100 * free) / total;
  const limits = disks.map(({ signal }) => {
    const name = `${signal}.${quantity}`;
    return { name, percent: percentOf(thresholdOf(settings, name), total) };
  });
  const limit = limits.reduce((a, b) => (b.percent > a.percent ? b : a));
  const much = quantity === "available" ? formatBinaryBytes(BigInt(free)) : `${free} inodes`;
  const uses = [...new Set(disks.map(({ use }) => use))].join(", ");
  const about = `${disk.mountPoint} has ${much} free, ${Math.floor(percent)}% (${uses})`;
  const remedy = "dockershim df shows what takes it, dockershim gc what may go";
  if (percent < limit.percent) {
    return fail(
      `${about}: below ${limit.name} ${round(limit.percent)}%, where the kubelet evicts pods`,
      remedy,
    );
  }
  return percent < limit.percent + 5
    ? warn(
        `${about}: the kubelet evicts pods below ${round(limit.percent)}% (${limit.name})`,
        remedy,
      )
    : ok(about);
}

function thresholdOf(settings: KubeletSettings | string | undefined, name: string): string {
  const own = typeof settings === "object" ? settings.evictionHard : {};
  // What the file does not name is 0 where it names others.
  return own[name] ?? (Object.keys(own).length > 0 ? "0%" : (thresholds[name] ?? "0%"));
}

const binaryUnits = ["", "Ki", "Mi", "Gi", "Ti"];

/** A threshold is a part of the whole, or an amount in Kubernetes' units. */
function percentOf(text: string, total: number): number {
  const [, number = "0", unit = ""] = /^([\d.]+)(%|[KMGT]i)?$/.exec(text) ?? [];
  if (unit === "%" || total === 0) return Number(number);
  return (100 * Number(number) * 1024 ** binaryUnits.indexOf(unit)) / total;
}

function round(percent: number): string {
  return `${Number(percent.toFixed(1))}`;
}
