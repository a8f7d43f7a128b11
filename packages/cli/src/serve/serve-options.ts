import {
  defaultShimOptions,
  logLevels,
  logModes,
  networkPlugins,
  oomScoreChoices,
  type ShimOptions,
} from "@dockershim/shim-server/options";
import { type Command, Option } from "commander";
import { formatDuration, parseDuration } from "../output/duration.js";

/** How the value of an option is written; a list of strings is a choice among them. */
export type ValueKind = "text" | "list" | "duration" | "boolean" | readonly string[];

/** How an operator gives an option to the daemon. */
export interface ServeOption {
  readonly key: keyof ShimOptions;
  /** Without the dashes. */
  readonly flag: string;
  /** What stands for the value in --help. */
  readonly value: string;
  readonly kind: ValueKind;
  readonly description: string;
  /** What an empty default means, for --help. */
  readonly whenEmpty?: string;
}

/** All of them, in the order of the help. */
export const serveOptions: readonly ServeOption[] = [
  {
    key: "listen",
    flag: "listen",
    value: "endpoint",
    kind: "text",
    description: "socket to serve CRI on",
  },
  {
    key: "dockerEndpoint",
    flag: "docker-endpoint",
    value: "endpoint",
    kind: "text",
    description: "the Docker Engine's socket",
  },
  {
    key: "rootDir",
    flag: "root-dir",
    value: "folder",
    kind: "text",
    description: "where all state on this node is kept",
  },
  {
    key: "networkPlugin",
    flag: "network-plugin",
    value: "plugin",
    kind: networkPlugins,
    description: "who connects pods; none leaves them a loopback interface only",
  },
  {
    key: "cniConfDir",
    flag: "cni-conf-dir",
    value: "folder",
    kind: "text",
    description: "CNI network configuration",
  },
  {
    key: "cniBinDirs",
    flag: "cni-bin-dir",
    value: "folder",
    kind: "list",
    description: "CNI plugins, searched in order",
  },
  {
    key: "cniCacheDir",
    flag: "cni-cache-dir",
    value: "folder",
    kind: "text",
    description: "results of CNI plugins",
    whenEmpty: "in the root folder",
  },
  {
    key: "podCidr",
    flag: "pod-cidr",
    value: "cidr",
    kind: "text",
    description: "range of pod addresses until the kubelet sends one",
  },
  {
    key: "podInfraContainerImage",
    flag: "pod-infra-container-image",
    value: "image",
    kind: "text",
    description: "image of the container that holds a pod's namespaces",
    whenEmpty: "the one that comes with dockershim",
  },
  {
    key: "streamingBindAddr",
    flag: "streaming-bind-addr",
    value: "address",
    kind: "text",
    description: "host:port for exec, attach and port-forward",
  },
  {
    key: "streamingTlsCertFile",
    flag: "streaming-tls-cert-file",
    value: "file",
    kind: "text",
    description: "certificate for HTTPS there, PEM",
    whenEmpty: "none, HTTP",
  },
  {
    key: "streamingTlsKeyFile",
    flag: "streaming-tls-key-file",
    value: "file",
    kind: "text",
    description: "key of that certificate, PEM",
    whenEmpty: "none",
  },
  {
    key: "metricsBindAddr",
    flag: "metrics-bind-addr",
    value: "address",
    kind: "text",
    description: "host:port for metrics and health",
    whenEmpty: "none",
  },
  {
    key: "tracingEndpoint",
    flag: "tracing-endpoint",
    value: "url",
    kind: "text",
    description: "OpenTelemetry collector that takes spans over HTTP",
    whenEmpty: "none",
  },
  {
    key: "logLevel",
    flag: "log-level",
    value: "level",
    kind: logLevels,
    description: "least severe level to log",
  },
  {
    key: "logMode",
    flag: "log-mode",
    value: "mode",
    kind: logModes,
    description: "who writes container logs: dockershim in CRI's format, or Docker",
  },
  {
    key: "restrictOomScoreAdj",
    flag: "restrict-oom-score-adj",
    value: "choice",
    kind: oomScoreChoices,
    description: "raise oom_score_adj to what this host permits instead of failing",
  },
  {
    key: "imagePullProgressDeadlineMs",
    flag: "image-pull-progress-deadline",
    value: "duration",
    kind: "duration",
    description: "give up a pull that makes no progress for this long",
  },
  {
    key: "runtimeRequestTimeoutMs",
    flag: "runtime-request-timeout",
    value: "duration",
    kind: "duration",
    description: "longest wait for an answer of the engine",
  },
  {
    key: "blockioConfigFile",
    flag: "blockio-config-file",
    value: "file",
    kind: "text",
    description: "block-I/O classes that annotations and NRI plugins can name",
    whenEmpty: "none",
  },
  {
    key: "nriSocket",
    flag: "nri-socket",
    value: "path",
    kind: "text",
    description: "socket that NRI plugins connect to, usually /var/run/nri/nri.sock",
    whenEmpty: "no NRI",
  },
  {
    key: "nriPluginDir",
    flag: "nri-plugin-dir",
    value: "folder",
    kind: "text",
    description: "NRI plugins that are started, where there is a socket",
  },
  {
    key: "nriConfigDir",
    flag: "nri-config-dir",
    value: "folder",
    kind: "text",
    description: "configuration of NRI plugins",
  },
  {
    key: "nriRegistrationTimeoutMs",
    flag: "nri-registration-timeout",
    value: "duration",
    kind: "duration",
    description: "how long an NRI plugin may take to register, and to be told of all there is",
  },
  {
    key: "nriRequestTimeoutMs",
    flag: "nri-request-timeout",
    value: "duration",
    kind: "duration",
    description: "how long an NRI plugin may take for a call before it is dropped",
  },
  {
    key: "shimPerPod",
    flag: "shim-per-pod",
    value: "choice",
    kind: "boolean",
    description: "serve all containers of a pod by one of containerd's shims",
  },
  {
    key: "adoptUnlabelled",
    flag: "adopt-unlabelled",
    value: "choice",
    kind: "boolean",
    description: "take over pods made by cri-dockerd or by Kubernetes' own dockershim",
  },
];

/** The option's key in a configuration file. Units are part of a value there, and not of a key. */
export function fileKey({ key }: Pick<ServeOption, "key">): string {
  return key.replace(/Ms$/, "");
}

/** An option in a message about its flag. */
export function describeFlag(option: Pick<ServeOption, "key" | "flag">): string {
  return `--${option.flag} (${fileKey(option)} in a file)`;
}

/** Adds a flag for each option of the daemon, with the daemon's own defaults in the help. */
export function addServeOptions(command: Command): void {
  for (const option of serveOptions) {
    const several = option.kind === "list" ? " (repeatable, or separated by commas)" : "";
    const description = `${option.description}${several} (default: ${showDefault(option)})`;
    const flag = new Option(`--${option.flag} <${option.value}>`, description);
    // The help shows the choices; values are checked together with those of the file.
    if (typeof option.kind === "object") flag.choices(option.kind);
    command.addOption(flag.argParser(parserOf(option)));
  }
}

function parserOf(option: ServeOption): (text: string, previous?: unknown) => unknown {
  switch (option.kind) {
    case "list":
      return (text, previous) => [
        ...((previous as string[] | undefined) ?? []),
        ...text.split(",").filter((part) => part !== ""),
      ];
    case "duration":
      return (text) => parseDuration(text, describeFlag(option));
    case "boolean":
      return (text) => (text === "true" || text === "false" ? text === "true" : text);
    default:
      return (text) => text;
  }
}

function showDefault({ key, kind, whenEmpty }: ServeOption): string {
  const value = defaultShimOptions[key];
  if (kind === "duration") return formatDuration(Number(value));
  return String(value) || (whenEmpty ?? "none");
}

/** The daemon's options among what the command line gave; their values are not checked yet. */
export function optionsFromFlags(flags: Record<string, unknown>): Partial<ShimOptions> {
  const options: Record<string, unknown> = {};
  for (const { key, flag } of serveOptions) {
    const value = flags[new Option(`--${flag}`).attributeName()];
    if (value !== undefined) options[key] = value;
  }
  return options as Partial<ShimOptions>;
}
