import { parseArgs } from "node:util";
import { type EndpointAddress, parseEndpoints } from "./endpoint.ts";
import type { ContainerChoice } from "./pods.ts";

export const usage = `usage: npm run bench -- [VERB] [options]

  compare   (default) calls, pods, polling and memory, at each number of pods
  lifecycle pods on a network, beside what their engine calls and CNI plugins cost by hand
  nightly   fails when a row is more than 10 % above figures.json, in each of the rounds
  soak      polls many times faster than a kubelet; fails when memory, descriptors or zombies keep growing
  restart   from the daemon's start to its first complete lists, with pods there
  behind    how soon CRI tells what somebody did with docker itself
  logs      writers as fast as the engine, another's lines meanwhile, and quiet containers (as many as pods)

  --endpoints name=socket[=pid[=engine pid]],…
                        what to measure; without it a lab and the daemon are started, and removed
  --peers               beside the lab's daemon: containerd, and with --cri-dockerd that
  --cri-dockerd PATH    program of cri-dockerd, which is then a peer too
  --docker SOCKET       engine behind the endpoints, for behind and lifecycle
  --cni-conf-dir DIR    lifecycle by hand: default /etc/cni/net.d
  --cni-bin-dir DIR     lifecycle by hand: default /opt/cni/bin
  --image NAME          image of the containers (default: the lab's)
  --pods 10,100,250     pods that stand while calls are measured (soak and restart: the last one; restart: also 0)
  --calls 200           calls of each kind
  --lifecycles 10       pods started and stopped one by one, with their network
  --at-once 8           lifecycle: pods started and stopped at once
  --callers 8           callers at once in the throughput row
  --poll-seconds 15     idle polling, for CPU
  --container running   what a pod holds: running, created (never started) or none
  --minutes 3           soak: how long
  --speed 20            soak: times a kubelet's rate
  --probes 0            soak: so many ExecSync a second besides, or as many as the engine takes
  --rounds 5            behind, restart, nightly and lifecycle (pods at once): how often
  --write               nightly: writes figures.json, of all rounds
  --executable PATH     restart: of this executable (npm run package) instead of the checkout's daemon
  --node-args "…"       options of node for the daemon that is started
  --out DIR             where result.json and growth.svg go (default: a new folder in /tmp)

The lab is chosen by LAB and DOCKER; see lab/README.md. Needs root.
Pods that stand are on the host network, because making them is not what is measured there.
`;

export interface BenchArguments {
  readonly verb: (typeof verbs)[number];
  readonly endpoints: readonly EndpointAddress[];
  readonly peers: boolean;
  readonly criDockerd: string | undefined;
  readonly docker: string | undefined;
  readonly cniConfDir: string;
  readonly cniBinDir: string;
  readonly image: string | undefined;
  readonly pods: readonly number[];
  readonly calls: number;
  readonly lifecycles: number;
  readonly atOnce: number;
  readonly callers: number;
  readonly pollSeconds: number;
  readonly container: ContainerChoice;
  readonly minutes: number;
  readonly speed: number;
  readonly probes: number;
  readonly rounds: number;
  readonly write: boolean;
  readonly executable: string | undefined;
  readonly nodeArgs: readonly string[];
  readonly out: string | undefined;
}

const verbs = ["compare", "lifecycle", "nightly", "soak", "restart", "behind", "logs"] as const;
const containers = ["running", "created", "none"] as const;

/** @throws Error with a message for the person at the terminal. */
export function readArguments(args: readonly string[]): BenchArguments | "help" {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      endpoints: { type: "string" },
      peers: { type: "boolean", default: false },
      "cri-dockerd": { type: "string" },
      docker: { type: "string" },
      "cni-conf-dir": { type: "string", default: "/etc/cni/net.d" },
      "cni-bin-dir": { type: "string", default: "/opt/cni/bin" },
      image: { type: "string" },
      pods: { type: "string", default: "10,100,250" },
      calls: { type: "string", default: "200" },
      lifecycles: { type: "string", default: "10" },
      "at-once": { type: "string", default: "8" },
      callers: { type: "string", default: "8" },
      "poll-seconds": { type: "string", default: "15" },
      container: { type: "string", default: "running" },
      minutes: { type: "string", default: "3" },
      speed: { type: "string", default: "20" },
      probes: { type: "string", default: "0" },
      rounds: { type: "string", default: "5" },
      write: { type: "boolean", default: false },
      executable: { type: "string" },
      "node-args": { type: "string", default: "" },
      out: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return "help";
  const verb = verbs.find((each) => each === (positionals[0] ?? "compare"));
  if (verb === undefined || positionals.length > 1) throw new Error(`no such benchmark\n${usage}`);
  const container = containers.find((each) => each === values.container);
  if (container === undefined) throw new Error(`--container: one of ${containers.join(", ")}`);
  const withNone = verb === "restart";
  const pods = values.pods
    .split(",")
    .map((text) => (withNone && text === "0" ? 0 : positive(text, "--pods")));
  const endpoints = values.endpoints === undefined ? [] : parseEndpoints(values.endpoints);
  if (endpoints.length > 0 && values.image === undefined) {
    throw new Error("--endpoints needs --image: an image that all of them have");
  }
  if (values.executable !== undefined && verb !== "restart") {
    throw new Error("--executable: only for restart");
  }
  const peers = values.peers || values["cri-dockerd"] !== undefined;
  if (peers && endpoints.length > 0) throw new Error("--peers: only without --endpoints");
  return {
    verb,
    endpoints,
    peers,
    criDockerd: values["cri-dockerd"],
    docker: values.docker?.replace(/^unix:\/\//, ""),
    cniConfDir: values["cni-conf-dir"],
    cniBinDir: values["cni-bin-dir"],
    image: values.image,
    pods: pods.sort((a, b) => a - b),
    calls: positive(values.calls, "--calls"),
    lifecycles: Number(values.lifecycles),
    atOnce: positive(values["at-once"], "--at-once"),
    callers: positive(values.callers, "--callers"),
    pollSeconds: positive(values["poll-seconds"], "--poll-seconds"),
    container,
    minutes: positive(values.minutes, "--minutes"),
    speed: positive(values.speed, "--speed"),
    probes: Number(values.probes),
    rounds: positive(values.rounds, "--rounds"),
    write: values.write,
    executable: values.executable,
    nodeArgs: values["node-args"].split(" ").filter((part) => part !== ""),
    out: values.out,
  };
}

function positive(text: string, flag: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${flag}: "${text}" is not a number above 0`);
  return value;
}
