import type { DefineCommand } from "./runtime/command-context.js";

/** A command as it stands in the overview. */
export interface CommandEntry {
  readonly name: string;
  readonly description: string;
  /** Only the command that is asked for is loaded: loading takes longer than most answers. */
  load(): Promise<DefineCommand>;
}

/** All commands, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    name: "serve",
    description: "run the daemon: serve CRI on a socket, on top of a Docker engine",
    load: async () => (await import("./serve/serve-command.js")).defineServe,
  },
  {
    name: "cri-dockerd",
    description: "run the daemon under cri-dockerd's flags, in its place",
    load: async () => (await import("./cri-dockerd/cri-dockerd-command.js")).defineCriDockerd,
  },
  {
    name: "config",
    description: "check the daemon's options and configuration file",
    load: async () => (await import("./info/config-command.js")).defineConfig,
  },
  {
    name: "info",
    description: "show whether the runtime and its network are ready, and what they can do",
    load: async () => (await import("./info/info-command.js")).defineInfo,
  },
  {
    name: "pods",
    description: "list pods, newest first",
    load: async () => (await import("./listing/pods-command.js")).definePods,
  },
  {
    name: "ps",
    description: "list containers, newest first; running ones unless asked for others",
    load: async () => (await import("./listing/ps-command.js")).definePs,
  },
  {
    name: "images",
    description: "list images",
    load: async () => (await import("./images/images-command.js")).defineImages,
  },
  {
    name: "inspect",
    description: "print all that the runtime tells of containers, pods or images",
    load: async () => (await import("./describe/inspect-command.js")).defineInspect,
  },
  {
    name: "describe",
    description: "describe containers, pods or images for people",
    load: async () => (await import("./describe/describe-command.js")).defineDescribe,
  },
  {
    name: "logs",
    description: "print a container's log, read from its file on this node",
    load: async () => (await import("./logs/logs-command.js")).defineLogs,
  },
  {
    name: "exec",
    description: "run a command in a container",
    load: async () => (await import("./sessions/exec-command.js")).defineExec,
  },
  {
    name: "attach",
    description: "join a container's own output, and with -i its input",
    load: async () => (await import("./sessions/attach-command.js")).defineAttach,
  },
  {
    name: "cp",
    description: "copy files and folders out of a container, or into one",
    load: async () => (await import("./sessions/cp-command.js")).defineCp,
  },
  {
    name: "port-forward",
    description: "join local ports with ports of a pod",
    load: async () => (await import("./sessions/port-forward-command.js")).definePortForward,
  },
  {
    name: "stats",
    description: "show what containers, or with --pods pods, use of CPU, memory and disk",
    load: async () => (await import("./stats/stats-command.js")).defineStats,
  },
  {
    name: "top",
    description: "watch what uses CPU, memory and network, and look into it",
    load: async () => (await import("./top/top-command.js")).defineTop,
  },
  {
    name: "events",
    description: "follow what becomes of containers and pods",
    load: async () => (await import("./describe/events-command.js")).defineEvents,
  },
  {
    name: "timeline",
    description: "show where the time of a pod's start and end has gone",
    load: async () => (await import("./timeline/timeline-command.js")).defineTimeline,
  },
  {
    name: "pull",
    description: "pull images",
    load: async () => (await import("./images/pull-command.js")).definePull,
  },
  {
    name: "run",
    description: "run a pod with its containers, from files of CRI's messages",
    load: async () => (await import("./lifecycle/run-command.js")).defineRun,
  },
  {
    name: "create",
    description: "create a container in a pod, from files of CRI's messages",
    load: async () => (await import("./lifecycle/create-command.js")).defineCreate,
  },
  {
    name: "start",
    description: "start containers that were created",
    load: async () => (await import("./lifecycle/start-command.js")).defineStart,
  },
  {
    name: "update",
    description: "change containers' limits while they run",
    load: async () => (await import("./lifecycle/update-command.js")).defineUpdate,
  },
  {
    name: "checkpoint",
    description: "write a container's state into an archive, where the runtime can",
    load: async () => (await import("./lifecycle/checkpoint-command.js")).defineCheckpoint,
  },
  {
    name: "stop",
    description: "stop containers, or pods with all that runs in them",
    load: async () => (await import("./lifecycle/stop-command.js")).defineStop,
  },
  {
    name: "rm",
    description: "remove containers, or pods with their containers",
    load: async () => (await import("./lifecycle/rm-command.js")).defineRm,
  },
  {
    name: "rmi",
    description: "remove images, or with --prune all that nothing is made of",
    load: async () => (await import("./images/rmi-command.js")).defineRmi,
  },
  {
    name: "metrics",
    description: "print the metrics of pods and containers that the kubelet passes on",
    load: async () => (await import("./info/metrics-command.js")).defineMetrics,
  },
  {
    name: "runtime-config",
    description: "show what the runtime tells the kubelet to do as it does",
    load: async () => (await import("./info/runtime-config-command.js")).defineRuntimeConfig,
  },
  {
    name: "check",
    description: "look whether this node is fit for pods, and say what to do where it is not",
    load: async () => (await import("./check/check-command.js")).defineCheck,
  },
  {
    name: "df",
    description: "show what images, containers, logs and the daemon take of the disk",
    load: async () => (await import("./disk-usage/df-command.js")).defineDf,
  },
  {
    name: "gc",
    description: "show, or with --yes remove, what is left on this node that nobody knows",
    load: async () => (await import("./node-remains/gc-command.js")).defineGc,
  },
  {
    name: "support-bundle",
    description: "write an archive for a report of a bug, with secrets left out",
    load: async () =>
      (await import("./support-bundle/support-bundle-command.js")).defineSupportBundle,
  },
  {
    name: "install",
    description: "set this command up as the node's daemon: units, configuration, manual",
    load: async () => (await import("./install/install-command.js")).defineInstall,
  },
  {
    name: "uninstall",
    description: "end the daemon, and remove what install has set up",
    load: async () => (await import("./install/install-command.js")).defineUninstall,
  },
  {
    name: "migrate",
    description: "take a node over from cri-dockerd, or back; shows the steps first",
    load: async () => (await import("./migrate/migrate-command.js")).defineMigrate,
  },
  {
    name: "version",
    description: "print the version of this command and, where it answers, of the runtime",
    load: async () => (await import("./info/version-command.js")).defineVersion,
  },
];
