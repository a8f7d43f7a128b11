/** How much the daemon writes to its log, from most to least. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
/** One of {@link logLevels}. */
export type LogLevel = (typeof logLevels)[number];

/** Who writes a container's log file: the daemon in CRI's format, or a link to Docker's own. */
export const logModes = ["cri", "docker"] as const;

/** Who gives pods their network. */
export const networkPlugins = ["cni", "none"] as const;

/** Whether a pod's oom_score_adj is raised to the lowest that the host permits. */
export const oomScoreChoices = ["auto", "true", "false"] as const;

/** Everything an operator can choose; the flags of `dockershim serve` carry the same names. */
export interface ShimOptions {
  /**
   * Unix socket that answers CRI, as `unix:///path`; or `fd://N` for one that whoever started this
   * process made, listens on and passed on as descriptor N, `fd://` alone for 3, which is systemd's first.
   */
  readonly listen: string;
  /** Docker Engine's API, as `unix:///path` or `tcp://host:port`. */
  readonly dockerEndpoint: string;
  /** Directory with CNI network configuration. */
  readonly cniConfDir: string;
  /** Directories with CNI plugins, searched in order. */
  readonly cniBinDirs: readonly string[];
  /** Directory of CNI results, this daemon's own; empty for `cni` under the root directory. */
  readonly cniCacheDir: string;
  /** `cni` gives each pod a network of its own; `none` leaves pods with loopback only. */
  readonly networkPlugin: (typeof networkPlugins)[number];
  /** Pod address range until the kubelet sends one, as CIDR; empty for none. */
  readonly podCidr: string;
  /** Directory of all state the daemon keeps on the node. */
  readonly rootDir: string;
  /** Image of the sandbox container; empty for the one embedded in the package. */
  readonly podInfraContainerImage: string;
  /** Address of the streaming server; port 0 takes a free one. */
  readonly streamingBindAddr: string;
  /**
   * PEM files of the streaming server's certificate and key, for HTTPS; empty for HTTP. Whoever dials,
   * the kubelet, verifies the certificate by the certificates that the node trusts.
   */
  readonly streamingTlsCertFile: string;
  readonly streamingTlsKeyFile: string;
  /** Address of metrics and health; empty for none. */
  readonly metricsBindAddr: string;
  /** OTLP collector that spans are sent to over HTTP, as `http://host:port`; empty for none. */
  readonly tracingEndpoint: string;
  /** Least severe level that is written. */
  readonly logLevel: LogLevel;
  /** Who writes the container log files: the daemon in CRI format, or Docker (json-file). */
  readonly logMode: (typeof logModes)[number];
  /** Whether oom_score_adj is clamped to what this host lets the engine set. */
  readonly restrictOomScoreAdj: (typeof oomScoreChoices)[number];
  /** A pull that makes no progress for this long is given up, in ms. */
  readonly imagePullProgressDeadlineMs: number;
  /** Deadline of an engine request that has no other, in ms. */
  readonly runtimeRequestTimeoutMs: number;
  /** File of block-I/O classes, in the form that containerd and CRI-O read; empty for none. */
  readonly blockioConfigFile: string;
  /** Unix socket that NRI plugins connect to; empty for no NRI at all. */
  readonly nriSocket: string;
  /** Folder of NRI plugins that the daemon starts, and of their configuration. */
  readonly nriPluginDir: string;
  readonly nriConfigDir: string;
  /** How long an NRI plugin may take to register, and to be told of all there is, in ms. */
  readonly nriRegistrationTimeoutMs: number;
  /** How long an NRI plugin may take to reply to a call before it is dropped, in ms. */
  readonly nriRequestTimeoutMs: number;
  /**
   * Whether one of containerd's shims serves all containers of a pod (API 1.43 and later), which takes less
   * memory; or each has its own, so that the death of one ends that container alone.
   */
  readonly shimPerPod: boolean;
  /** Whether pods without an instance label (made by cri-dockerd or dockershim) count as ours. */
  readonly adoptUnlabelled: boolean;
}

/** The options of a daemon that was given none. */
export const defaultShimOptions: ShimOptions = {
  listen: "unix:///run/dockershim/dockershim.sock",
  dockerEndpoint: "unix:///var/run/docker.sock",
  cniConfDir: "/etc/cni/net.d",
  cniBinDirs: ["/opt/cni/bin"],
  cniCacheDir: "",
  networkPlugin: "cni",
  podCidr: "",
  rootDir: "/var/lib/dockershim",
  podInfraContainerImage: "",
  streamingBindAddr: "127.0.0.1:0",
  streamingTlsCertFile: "",
  streamingTlsKeyFile: "",
  metricsBindAddr: "",
  tracingEndpoint: "",
  logLevel: "info",
  logMode: "cri",
  restrictOomScoreAdj: "auto",
  imagePullProgressDeadlineMs: 60_000,
  runtimeRequestTimeoutMs: 120_000,
  blockioConfigFile: "",
  nriSocket: "",
  nriPluginDir: "/opt/nri/plugins",
  nriConfigDir: "/etc/nri/conf.d",
  nriRegistrationTimeoutMs: 5_000,
  nriRequestTimeoutMs: 2_000,
  shimPerPod: true,
  adoptUnlabelled: true,
};
