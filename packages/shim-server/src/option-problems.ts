import { isIP } from "node:net";
import { isAbsolute } from "node:path";
import {
  defaultShimOptions,
  logLevels,
  logModes,
  networkPlugins,
  oomScoreChoices,
  type ShimOptions,
} from "./options.js";

/** What is wrong with an option. */
export interface OptionProblem {
  readonly key: keyof ShimOptions;
  /** Without the option's name, to stand behind it: `"10.0.0" is no range such as …`. */
  readonly problem: string;
}

/** The longest delay of a Node timer, in ms: 24 days. */
const longestTimerMs = 2 ** 31 - 1;

/** Says what is wrong with a value that has the right type. */
type Check<Value> = (value: Value) => string | undefined;

const checks: {
  readonly [Key in keyof ShimOptions]: (
    value: ShimOptions[Key],
    all: ShimOptions,
  ) => string | undefined;
} = {
  listen: (value) =>
    /^fd:\/\/(?:[3-9]|[1-9]\d{1,8})?$/.test(value)
      ? undefined
      : unixSocketProblem(value.startsWith("/") ? `unix://${value}` : value),
  dockerEndpoint: (value) =>
    value.startsWith("unix:") ? unixSocketProblem(value) : tcpEndpointProblem(value),
  rootDir: (value) =>
    folderProblem(value) ?? (/^\/+$/.test(value) ? "must not be the root of all files" : undefined),
  networkPlugin: oneOf(networkPlugins),
  cniConfDir: folderProblem,
  cniBinDirs: (value) =>
    value.length === 0 ? "must name a folder" : firstProblem(value, folderProblem),
  cniCacheDir: ifGiven(folderProblem),
  podCidr: ifGiven(cidrsProblem),
  podInfraContainerImage: ifGiven(imageProblem),
  streamingBindAddr: (value) =>
    addressProblem(value) ??
    // Elsewhere no host means all addresses, which here would open every container to the network.
    (value.startsWith(":") ? `${quote(value)} names no host, as 127.0.0.1:0 does` : undefined),
  streamingTlsCertFile: (value, { streamingTlsKeyFile: key }) =>
    value === "" && key !== "" ? "is missing beside the key" : ifGiven(fileProblem)(value),
  streamingTlsKeyFile: (value, { streamingTlsCertFile: certificate }) =>
    value === "" && certificate !== ""
      ? "is missing beside the certificate"
      : ifGiven(fileProblem)(value),
  metricsBindAddr: ifGiven(addressProblem),
  tracingEndpoint: ifGiven(urlProblem),
  logLevel: oneOf(logLevels),
  logMode: oneOf(logModes),
  restrictOomScoreAdj: oneOf(oomScoreChoices),
  imagePullProgressDeadlineMs: durationProblem,
  runtimeRequestTimeoutMs: durationProblem,
  blockioConfigFile: ifGiven(fileProblem),
  nriSocket: ifGiven((value) => unixSocketProblem(`unix://${value}`)),
  nriPluginDir: folderProblem,
  nriConfigDir: folderProblem,
  nriRegistrationTimeoutMs: durationProblem,
  nriRequestTimeoutMs: durationProblem,
  shimPerPod: () => undefined,
  adoptUnlabelled: () => undefined,
};

/**
 * Checks every option, by its form alone: whether a socket or a folder exists is not looked at.
 *
 * @returns Nothing for options that a daemon can be started with.
 */
export function optionProblems(options: ShimOptions): OptionProblem[] {
  return (Object.keys(checks) as (keyof ShimOptions)[]).flatMap((key) => {
    const problem = problemOf(key, options);
    return problem === undefined ? [] : [{ key, problem }];
  });
}

function problemOf<Key extends keyof ShimOptions>(
  key: Key,
  options: ShimOptions,
): string | undefined {
  const value = options[key];
  const sample = defaultShimOptions[key];
  if (Array.isArray(sample)) {
    const isList = Array.isArray(value) && value.every((each) => typeof each === "string");
    if (!isList) return `${quote(value)} is no list of strings`;
  } else if (typeof value !== typeof sample) {
    const type = typeof sample === "boolean" ? "neither true nor false" : `no ${typeof sample}`;
    return `${quote(value)} is ${type}`;
  }
  return checks[key](value, options);
}

function quote(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function ifGiven(check: Check<string>): Check<string> {
  return (value) => (value === "" ? undefined : check(value));
}

function oneOf<Choice extends string>(choices: readonly Choice[]): Check<Choice> {
  return (value) =>
    choices.includes(value) ? undefined : `${quote(value)} is none of ${choices.join(", ")}`;
}

function firstProblem<Value>(values: readonly Value[], check: Check<Value>): string | undefined {
  for (const value of values) {
    const problem = check(value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function unixSocketProblem(endpoint: string): string | undefined {
  const path = endpoint.replace(/^unix:\/\//, "");
  if (path === endpoint || !isAbsolute(path) || path.endsWith("/")) {
    return `${quote(endpoint)} is not unix:///absolute/path/of.sock`;
  }
  // sun_path holds 108 bytes with its terminator (unix(7)); Node would cut it off silently.
  return Buffer.byteLength(path) > 107 ? `${quote(path)} is longer than 107 bytes` : undefined;
}

function tcpEndpointProblem(endpoint: string): string | undefined {
  const [, address = ""] = /^(?:tcp|http):\/\/([^/]+)\/?$/.exec(endpoint) ?? [];
  const reachable = addressProblem(address) === undefined && !/^:|:0+$/.test(address);
  return reachable
    ? undefined
    : `${quote(endpoint)} is neither unix:///absolute/path/of.sock nor tcp://host:port`;
}

function fileProblem(path: string): string | undefined {
  return isAbsolute(path) ? undefined : `${quote(path)} is no absolute path`;
}

function folderProblem(path: string): string | undefined {
  if (path === "") return "must name a folder";
  return fileProblem(path);
}

/** `host:port`, with brackets around an IPv6 host. */
function addressProblem(address: string): string | undefined {
  const [, ipv6, host = "", port] = /^(?:\[([^\]]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(address) ?? [];
  const fits = port !== undefined && Number(port) <= 65_535;
  // What looks like an IPv4 address has to be one; anything else may be a name.
  const known = ipv6 === undefined ? !/^[\d.]+$/.test(host) || isIP(host) === 4 : isIP(ipv6) === 6;
  return fits && known ? undefined : `${quote(address)} is no host:port such as 127.0.0.1:9100`;
}

/** The kubelet's form: one range, or one of each family separated by a comma. */
/** What is wrong with a node's pod addresses: a range of either family, or one of each, parted by a comma. */
export function cidrsProblem(text: string): string | undefined {
  const ranges = text.split(",").map((range) => range.trim());
  const problem = firstProblem(ranges, cidrProblem);
  if (problem !== undefined) return problem;
  const families = new Set(ranges.map((range) => isIP(range.split("/")[0] ?? "")));
  return families.size < ranges.length ? `${quote(text)} has two ranges of one family` : undefined;
}

function cidrProblem(range: string): string | undefined {
  const [, address = "", prefix] = /^([^/]+)\/(\d{1,3})$/.exec(range) ?? [];
  const family = isIP(address);
  const fits = family !== 0 && Number(prefix) <= (family === 4 ? 32 : 128);
  return fits ? undefined : `${quote(range)} is no range of addresses such as 10.244.0.0/24`;
}

function urlProblem(text: string): string | undefined {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol)
    ? undefined
    : `${quote(text)} is no URL such as http://127.0.0.1:4318`;
}

function durationProblem(ms: number): string | undefined {
  if (!(ms > 0)) return "must be longer than 0s";
  return ms > longestTimerMs ? "must not be longer than 24 days" : undefined;
}

// The grammar of github.com/distribution/reference.
const hostPart = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
const host = `(?:${hostPart}(?:\\.${hostPart})*|\\[[0-9a-fA-F:]+\\])(?::\\d+)?`;
const pathPart = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const tag = "\\w[\\w.-]{0,127}";
const digest = "[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}";
const image = new RegExp(
  `^(?:${host}/)?${pathPart}(?:/${pathPart})*(?::${tag})?(?:@${digest})?$|^sha256:[0-9a-f]{64}$`,
);

function imageProblem(reference: string): string | undefined {
  return image.test(reference)
    ? undefined
    : `${quote(reference)} is no image such as registry.example/pause:3.10 (names are lower-case)`;
}
