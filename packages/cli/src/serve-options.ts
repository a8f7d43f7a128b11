import type { ShimOptions } from "@dockershim/shim-server";
import { type Command, Option } from "commander";
import { CliError } from "./cli-error.js";
import { formatDuration, parseDuration } from "./duration.js";

/** How the value of an option is written. A duration is milliseconds in a configuration file. */
type ValueKind = "text" | "list" | "duration" | "boolean" | readonly string[];

interface ServeOption {
  key: keyof ShimOptions;
  flag: string;
  value: string;
  kind: ValueKind;
  description: string;
  /** What an empty default means, for --help. */
  whenEmpty?: string;
}

const serveOptions: readonly ServeOption[] = [
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
    kind: ["cni", "none"],
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
    description: "CNI plugins (repeatable, or separated by commas)",
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
    kind: ["trace", "debug", "info", "warn", "error", "fatal"],
    description: "least severe level to log",
  },
  {
    key: "logMode",
    flag: "log-mode",
    value: "mode",
    kind: ["cri", "docker"],
    description: "who writes container logs: dockershim in CRI's format, or Docker",
  },
  {
    key: "restrictOomScoreAdj",
    flag: "restrict-oom-score-adj",
    value: "choice",
    kind: ["auto", "true", "false"],
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
    key: "adoptUnlabelled",
    flag: "adopt-unlabelled",
    value: "choice",
    kind: "boolean",
    description: "take over pods made by cri-dockerd or by Kubernetes' own dockershim",
  },
];

/** Adds a flag for each option of the daemon, with the daemon's own defaults in the help. */
export function addServeOptions(command: Command, defaults: ShimOptions): void {
  for (const option of serveOptions) {
    const description = `${option.description} (default: ${showDefault(option, defaults)})`;
    const flag = new Option(`--${option.flag} <${option.value}>`, description);
    command.addOption(
      typeof option.kind === "object" ? flag.choices(option.kind) : withParser(flag, option),
    );
  }
}

function withParser(flag: Option, { flag: name, kind }: ServeOption): Option {
  switch (kind) {
    case "list":
      return flag.argParser((text: string, previous: string[] = []) => [
        ...previous,
        ...text.split(",").filter((part) => part !== ""),
      ]);
    case "duration":
      return flag.argParser((text: string) => parseDuration(text, `--${name}`));
    case "boolean":
      return flag.argParser((text: string) => {
        if (text === "true" || text === "false") return text === "true";
        throw new CliError("usage", `--${name}: expected true or false, not "${text}"`);
      });
    default:
      return flag;
  }
}

function showDefault({ key, kind, whenEmpty }: ServeOption, defaults: ShimOptions): string {
  const value = defaults[key];
  if (kind === "duration") return formatDuration(Number(value));
  return String(value) || (whenEmpty ?? "none");
}

/** The daemon's options among what the command line gave. */
export function optionsFromFlags(flags: Record<string, unknown>): Partial<ShimOptions> {
  const options: Record<string, unknown> = {};
  for (const { key, flag } of serveOptions) {
    const value = flags[new Option(`--${flag}`).attributeName()];
    if (value !== undefined) options[key] = value;
  }
  return options as Partial<ShimOptions>;
}

/**
 * The daemon's options out of a parsed configuration file.
 *
 * @param path For messages.
 * @throws CliError usage, naming the key that is unknown or has a wrong value.
 */
export function optionsFromFile(content: unknown, path: string): Partial<ShimOptions> {
  if (content === null || content === undefined) return {};
  if (typeof content !== "object" || Array.isArray(content)) {
    throw new CliError("usage", `${path}: expected keys with values at the top level`);
  }
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(content)) {
    const option = serveOptions.find((each) => each.key === key);
    if (!option) throw new CliError("usage", `${path}: unknown key "${key}"`);
    options[key] = checkValue(value, option.kind, `${path}: ${key}`);
  }
  return options as Partial<ShimOptions>;
}

function checkValue(value: unknown, kind: ValueKind, where: string): unknown {
  const wrong = (expected: string) =>
    new CliError("usage", `${where}: expected ${expected}, not ${JSON.stringify(value)}`);
  switch (kind) {
    case "text":
      if (typeof value !== "string") throw wrong("a string");
      return value;
    case "list":
      if (!Array.isArray(value) || value.some((part) => typeof part !== "string")) {
        throw wrong("a list of strings");
      }
      return value;
    case "duration":
      if (typeof value !== "number" || !(value >= 0)) throw wrong("a number of milliseconds");
      return value;
    case "boolean":
      if (typeof value !== "boolean") throw wrong("true or false");
      return value;
    default: {
      // YAML reads the choices true and false as booleans.
      const text = String(value);
      if (!kind.includes(text)) throw wrong(`one of ${kind.join(", ")}`);
      return text;
    }
  }
}
