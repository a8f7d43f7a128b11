import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { Cluster } from "../up-down.ts";

/** What kubectl said, and how it ended. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A pod as the API server has it. */
// biome-ignore lint/suspicious/noExplicitAny: Kubernetes' objects are as deep as they are wide.
export type KubernetesObject = any;

/** kubectl on one cluster. */
export interface Kubectl {
  /** Runs it, with something on its standard input where that is given. */
  run(args: readonly string[], input?: string): Promise<Said>;
  /** Runs it and gives its output; throws with what it complains of. */
  ask(...args: readonly string[]): Promise<string>;
  apply(object: KubernetesObject): Promise<void>;
  pod(name: string): Promise<KubernetesObject>;
  /** The reasons and messages of a pod's events. */
  events(pod: string): Promise<string>;
  /** Starts what goes on until it is ended. */
  start(...args: readonly string[]): ReturnType<typeof spawn>;
}

export function createKubectl({
  kubectl,
  kubeconfig,
}: Pick<Cluster, "kubectl" | "kubeconfig">): Kubectl {
  const start: Kubectl["start"] = (...args) =>
    spawn(kubectl, ["--kubeconfig", kubeconfig, ...args], { stdio: "pipe" });
  const run: Kubectl["run"] = async (args, input) => {
    const child = start(...args);
    const { stdin, stdout, stderr } = child as ReturnType<typeof start> & {
      stdin: NodeJS.WritableStream;
      stdout: NodeJS.ReadableStream;
      stderr: NodeJS.ReadableStream;
    };
    stdin.end(input);
    const [out, err, [code]] = await Promise.all([
      text(stdout),
      text(stderr),
      once(child, "close"),
    ]);
    return { code: code ?? -1, stdout: out, stderr: err };
  };
  const ask: Kubectl["ask"] = async (...args) => {
    const { code, stdout, stderr } = await run(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr || stdout}`);
    return stdout;
  };
  return {
    run,
    ask,
    start,
    async apply(object) {
      const { code, stderr } = await run(["apply", "-f", "-"], JSON.stringify(object));
      if (code !== 0) throw new Error(stderr);
    },
    pod: async (name) => JSON.parse(await ask("get", "pod", name, "-o", "json")),
    async events(pod) {
      const selector = `--field-selector=involvedObject.name=${pod}`;
      const { items } = JSON.parse(await ask("get", "events", selector, "-o", "json"));
      return items
        .map(({ reason, message }: KubernetesObject) => `${reason}: ${message}`)
        .join("\n");
    },
  };
}
