/** What becomes of a flag of cri-dockerd. */
export interface CriDockerdFlag {
  /** Our flag; undefined when there is nothing to carry over. */
  readonly ours: string | undefined;
  /** The value at which it need not be given. */
  readonly standard?: string;
  /** Given without a value it is true. */
  readonly isSwitch?: boolean;
  readonly note: string;
}

const same = (ours: string, standard: string): CriDockerdFlag => ({ ours, standard, note: "" });

/** cri-dockerd's own flags (its cmd/server.go and config/options.go), by name. */
export const criDockerdFlags: Readonly<Record<string, CriDockerdFlag>> = {
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
    ours: "cni-cache-dir",
    standard: "/var/lib/cni/cache",
    note: "only another folder has to be given: dockershim reads results of running pods in /var/lib/cni",
  },
  "pod-cidr": same("pod-cidr", ""),
  "log-level": same("log-level", "info"),
  "cri-dockerd-root-directory": {
    ours: undefined,
    note: "give it to this command as --cri-dockerd-root",
  },
  "network-plugin-mtu": {
    ours: undefined,
    standard: "0",
    note: "set the MTU in the CNI configuration",
  },
  "hairpin-mode": { ours: undefined, note: "set hairpinMode in the CNI configuration" },
  "ipv6-dual-stack": {
    ours: undefined,
    isSwitch: true,
    standard: "true",
    note: "always on: pods get what CNI gives",
  },
  "non-masquerade-cidr": {
    ours: undefined,
    note: "who is masqueraded is the CNI configuration's business",
  },
  "runtime-cgroups": { ours: undefined, note: "the service manager puts the daemon into a cgroup" },
};

/** The value of our flag that means the same. */
export function translateValue(flag: string, value: string): string {
  switch (flag) {
    case "log-level":
      return { panic: "fatal", warning: "warn" }[value] ?? value;
    case "streaming-bind-addr":
      // It takes an address alone, and then a free port.
      return /^\[?[0-9a-f:.]+\]?$/i.test(value) && !/^[0-9.]+:\d+$|\]:\d+$/.test(value)
        ? `${value.includes(":") ? `[${value.replace(/[[\]]/g, "")}]` : value}:0`
        : value;
    case "ipv6-dual-stack":
      // Go's flags take True and 1 too.
      return /^(?:1|t|true)$/i.test(value) ? "true" : value;
    default:
      return value;
  }
}
