/** What becomes of a flag of cri-dockerd. */
interface FlagFate {
  /** Our flag; undefined when there is nothing to carry over. */
  readonly ours: string | undefined;
  /** The value at which it need not be given. */
  readonly standard?: string;
  readonly note: string;
}

const same = (ours: string, standard: string): FlagFate => ({ ours, standard, note: "" });

/** cri-dockerd's own flags (its cmd/server.go), by name. */
const fates: Readonly<Record<string, FlagFate>> = {
  "container-runtime-endpoint": {
    ours: "listen",
    note: "keep the socket, or change the kubelet's --container-runtime-endpoint",
  },
  "docker-endpoint": same("docker-endpoint", "unix:///var/run/docker.sock"),
  "pod-infra-container-image": {
    ours: "pod-infra-container-image",
    note: "not needed: the image comes with dockershim; running pods keep theirs",
  },
  "image-pull-progress-deadline": same("image-pull-progress-deadline", "1m0s"),
  "runtime-request-timeout": same("runtime-request-timeout", "2m0s"),
  "streaming-bind-addr": {
    ours: "streaming-bind-addr",
    standard: "127.0.0.1:0",
    note: "the kubelet is the only caller, so loopback will do",
  },
  "network-plugin": { ours: "network-plugin", standard: "cni", note: "cni, or none" },
  "cni-bin-dir": same("cni-bin-dir", "/opt/cni/bin"),
  "cni-conf-dir": same("cni-conf-dir", "/etc/cni/net.d"),
  "cni-cache-dir": {
    ours: undefined,
    note: "not carried over: dockershim keeps a cache of its own and reads that of running pods in /var/lib/cni",
  },
  "pod-cidr": same("pod-cidr", ""),
  "log-level": same("log-level", "info"),
  "cri-dockerd-root-directory": {
    ours: undefined,
    note: "give it to this command as --cri-dockerd-root",
  },
  "network-plugin-mtu": { ours: undefined, note: "set the MTU in the CNI configuration" },
  "hairpin-mode": { ours: undefined, note: "set hairpinMode in the CNI configuration" },
  "ipv6-dual-stack": { ours: undefined, note: "always on: pods get what CNI gives" },
};

/** A flag that a running cri-dockerd was given, and what to do with it. */
export interface MigratedFlag {
  readonly flag: string;
  readonly value: string;
  /** What to give `dockershim serve`, or empty. */
  readonly use: string;
  readonly note: string;
}

/**
 * Maps the flags of a cri-dockerd to those of `dockershim serve`.
 *
 * @param args Its command line without the program: `--flag=value`, or `--flag value`.
 */
export function migrateFlags(args: readonly string[]): MigratedFlag[] {
  return readFlags(args).map(({ flag, value }) => {
    const fate = fates[flag];
    if (fate === undefined) return { flag, value, use: "", note: "unknown to dockershim" };
    const { ours, standard, note } = fate;
    if (ours === undefined) return { flag, value, use: "", note };
    if (value === standard) return { flag, value, use: "", note: "the default here, too" };
    // Docker images named for the pause container stay possible, but nobody has to choose one.
    const use = ours === "pod-infra-container-image" ? "" : `--${ours}=${translate(ours, value)}`;
    return { flag, value, use, note };
  });
}

function translate(flag: string, value: string): string {
  // systemd's socket activation has no counterpart; kubeadm looks for this path.
  if (flag === "listen" && value.startsWith("fd://")) return "unix:///var/run/cri-dockerd.sock";
  if (flag === "log-level" && value === "panic") return "fatal";
  return value;
}

function readFlags(args: readonly string[]): { flag: string; value: string }[] {
  const found: { flag: string; value: string }[] = [];
  for (let index = 0; index < args.length; index++) {
    const [, flag, value] = /^--?([a-z0-9-]+)(?:=(.*))?$/s.exec(args[index] ?? "") ?? [];
    if (flag === undefined) continue;
    const next = args[index + 1];
    if (value !== undefined) found.push({ flag, value });
    else if (next === undefined || next.startsWith("-")) found.push({ flag, value: "true" });
    else found.push({ flag, value: args[++index] ?? "" });
  }
  return found;
}
