import { Option } from "commander";
import { parseDuration } from "../output/duration.js";
import { addOutputOption, type OutputFormat, printObject } from "../output/output-format.js";
import { shortId } from "../output/short-id.js";
import { formatTable } from "../output/table.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, defaultEndpoint } from "../runtime/runtime-options.js";
import type { MigratePlaces } from "./migrate-facts.js";
import type { MigratedPod, MigrateReport } from "./migrate-report.js";

interface MigrateOptions extends Omit<MigratePlaces, "dockerEndpoint"> {
  readonly dockerEndpoint?: string;
  readonly check?: boolean;
  readonly back?: boolean;
  readonly yes?: boolean;
  readonly cleanUp?: boolean;
  readonly cniCacheDir: string[];
  readonly output: OutputFormat;
  readonly root: string;
  /** In ms. */
  readonly readyTimeout: number;
}

const usualDocker = "unix:///var/run/docker.sock";

/** `dockershim migrate` */
export const defineMigrate: DefineCommand = (command, context) => {
  const { terminal, setExitCode } = context;
  command
    .option("--check", "look and report, and plan nothing")
    .option("--yes", "do it, instead of showing what would be done")
    .option("--back", "go back from dockershim to cri-dockerd")
    .option("--clean-up", "remove what cri-dockerd left of pods that are gone")
    .option(
      "--docker-endpoint <endpoint>",
      `the Docker Engine (default: what the daemon is told, or ${usualDocker})`,
    )
    .option("--cri-dockerd-root <folder>", "cri-dockerd's own folder", "/var/lib/cri-dockerd")
    .option("--cni-cache-dir <folder...>", "where CNI results are cached", [
      "/var/lib/cni/cache",
      "/var/lib/cni",
    ])
    .option("--kubelet-config <file>", "the kubelet's", "/var/lib/kubelet/config.yaml")
    .option("--listen <endpoint>", "socket that dockershim is to serve on", defaultEndpoint)
    .addOption(
      new Option("--ready-timeout <duration>", "how long the daemon may take until it is ready")
        .argParser((text: string) => parseDuration(text, "--ready-timeout"))
        .default(60_000, "1m"),
    )
    .addOption(
      new Option("--root <folder>", "the node's files are below it").default("").hideHelp(),
    );
  addDebugOption(addOutputOption(command));
  command.addHelpText(
    "after",
    `
Without --yes it changes nothing and shows each command and each change of a
file. With it, it shows them as they are done; when one fails, or on Ctrl-C, all
are taken back. Pods run on.

Examples:
  dockershim migrate             what would be done?
  dockershim migrate --yes       do it
  dockershim migrate --back      what would the way back be?
  dockershim migrate --clean-up  what would be removed of pods that are gone?

Exit codes: 0 when it was done, or could be; 1 when a problem has to be put
right first, or all was taken back.`,
  );
  command.action(async (options: MigrateOptions) => {
    const { root, dockerEndpoint } = options;
    const places = {
      ...{ ...options, cniCacheDirs: options.cniCacheDir },
      procDir: `${root}/proc`,
    };
    if (options.check !== true) {
      const { migrateNode } = await import("./migrate-node.js");
      const { watchForEnd } = await import("../machine/watch-for-end.js");
      const { back = false, yes = false, cleanUp = false, readyTimeout: readyMs } = options;
      const told = { ...places, dockerEndpoint, back, yes, cleanUp, readyMs };
      if (!yes) return await migrateNode(told, context, new AbortController().signal);
      return await watchForEnd(terminal, (signal) => migrateNode(told, context, signal));
    }
    const { gatherMigrateFacts } = await import("./migrate-facts.js");
    const { judgeMigration } = await import("./migrate-report.js");
    const report = judgeMigration(
      await gatherMigrateFacts({ ...places, dockerEndpoint: dockerEndpoint ?? usualDocker }),
    );
    if (options.output === "table") terminal.stdout.write(describeMigration(report));
    else await printObject(report, options.output, terminal);
    setExitCode(report.problems.length === 0 ? 0 : 1);
  });
};

/** The report for people. */
export function describeMigration(report: MigrateReport): string {
  const { engine, pods, flags, orphans } = report;
  const containers = pods.flatMap((pod) => pod.containers);
  const parts = [
    engine === undefined
      ? "Engine: none\n"
      : `Engine: Docker ${engine.version}, API ${engine.apiVersion}, cgroup driver ${engine.cgroupDriver}\n`,
    `To take over: ${pods.length} pods with ${containers.length} containers; ` +
      `${orphans.length} checkpoints without a pod\n`,
  ];
  if (pods.length > 0) {
    const header = [
      "pod id",
      "namespace",
      "name",
      "state",
      "pid",
      "checkpoint",
      "cni",
      "containers",
    ];
    parts.push("\n", formatTable(header, pods.map(podRow)));
  }
  if (flags.length > 0) {
    const rows = flags.map(({ flag, value, use, note }) => [`--${flag}=${value}`, use, note]);
    parts.push("\n", formatTable(["flag of cri-dockerd", "give dockershim", "note"], rows));
  }
  const list = (title: string, lines: readonly string[]) => {
    if (lines.length > 0) parts.push(`\n${title}:\n`, ...lines.map((line) => `  - ${line}\n`));
  };
  list("Warnings", report.warnings);
  list("Problems", report.problems);
  if (report.problems.length === 0) parts.push("\nNothing stands against taking over.\n");
  return parts.join("");
}

function podRow(pod: MigratedPod): string[] {
  const cni = pod.hostNetwork ? "host network" : pod.cniCache === "" ? "not found" : "cached";
  const containers = pod.containers.map(({ name, state, logKind }) =>
    logKind === "docker" ? `${name} (${state})` : `${name} (${state}, log: ${logKind})`,
  );
  return [
    shortId(pod.id, false),
    pod.namespace,
    pod.name,
    pod.state,
    String(pod.pid),
    pod.checkpoint,
    cni,
    containers.join(", "),
  ];
}
