import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A container of a static pod: what its shell runs, after it has noted that it runs. */
export interface StaticContainer {
  readonly name: string;
  readonly script: string;
  /** An init container that goes on beside the others (a sidecar). */
  readonly restartPolicy?: "Always";
}

export interface StaticPod {
  readonly name: string;
  readonly init?: readonly StaticContainer[];
  readonly containers: readonly StaticContainer[];
  readonly restartPolicy?: "Always" | "OnFailure" | "Never";
}

/** A script that runs until it is told to end. */
export const forever = "trap 'exit 0' TERM; sleep 3600 & wait";

/** Static pods of one kubelet, and a record of every time that one of their containers ran. */
export interface StaticPods {
  /** Gives the pod to the kubelet. */
  add(pod: StaticPod): void;
  /** Takes the pod from the kubelet. */
  remove(name: string): void;
  /** How often the container's process was started, as it noted by itself. */
  runs(pod: string, container: string): number;
}

/**
 * @param manifests the folder that the kubelet reads static pods from
 * @param ran a folder that is mounted into every pod, where its containers note that they run
 * @param image an image that the engine has, with a shell
 */
export function createStaticPods(manifests: string, ran: string, image: string): StaticPods {
  mkdirSync(ran, { recursive: true });

  const container = (pod: string, { name, script, ...rest }: StaticContainer): object => ({
    name,
    image,
    imagePullPolicy: "Never",
    command: ["sh", "-c", `echo >>/ran/${pod}.${name}; ${script}`],
    volumeMounts: [{ name: "ran", mountPath: "/ran" }],
    ...rest,
  });

  return {
    add({ name, init = [], containers, restartPolicy = "Always" }) {
      const manifest = {
        apiVersion: "v1",
        kind: "Pod",
        // A uid of its own: else it would be that of any pod with the same manifest that an earlier run left.
        metadata: { name, namespace: "default", uid: randomUUID() },
        spec: {
          restartPolicy,
          terminationGracePeriodSeconds: 5,
          volumes: [{ name: "ran", hostPath: { path: ran, type: "Directory" } }],
          initContainers: init.map((item) => container(name, item)),
          containers: containers.map((item) => container(name, item)),
        },
      };
      // The kubelet looks at the folder all the time: it must not read half a file, and skips dotted names.
      const part = join(manifests, `.${name}`);
      writeFileSync(part, JSON.stringify(manifest));
      renameSync(part, join(manifests, `${name}.json`));
    },
    remove: (name) => rmSync(join(manifests, `${name}.json`)),
    runs(pod, name) {
      const file = join(ran, `${pod}.${name}`);
      return existsSync(file) ? readFileSync(file, "utf8").length : 0;
    },
  };
}
