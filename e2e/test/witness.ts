import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Kubectl, KubernetesObject } from "./kubectl.ts";

/** What became of one container: all of it stays as it is unless the container is started again. */
export interface ContainerRecord {
  readonly pod: string;
  readonly id: string;
  readonly restarts: number;
  /** How often its process was started, as it noted by itself. */
  readonly runs: number;
}

/** Tells whether containers were started again, by what they note themselves and by what Kubernetes counts. */
export interface Witness {
  /** For a pod's `volumes`. */
  readonly volume: KubernetesObject;
  /** For a container: where it notes, and the name of its pod in `POD`. */
  readonly fields: KubernetesObject;
  /** A line of shell that notes that something of that name happened in the pod. */
  note(what: string): string;
  /** How often that was noted. */
  noted(pod: string, what: string): number;
  /** The names of all that was noted of pods whose name begins so, each as often as it was. */
  all(podPrefix: string): string[];
  /** All containers of the pods that are there, by pod and container. */
  containers(): Promise<Record<string, ContainerRecord>>;
}

/**
 * @param folder of the machine, which is mounted into every pod
 */
export function createWitness(kubectl: Kubectl, folder: string): Witness {
  mkdirSync(folder, { recursive: true });
  const noted: Witness["noted"] = (pod, what) => {
    const file = join(folder, `${pod}.${what}`);
    return existsSync(file) ? readFileSync(file, "utf8").length : 0;
  };
  return {
    volume: { name: "noted", hostPath: { path: folder, type: "Directory" } },
    fields: {
      env: [{ name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
      volumeMounts: [{ name: "noted", mountPath: "/noted" }],
    },
    note: (what) => `echo >>/noted/$POD.${what}`,
    noted,
    all: (podPrefix) =>
      readdirSync(folder)
        .filter((file) => file.startsWith(podPrefix))
        .flatMap((file) => {
          const dot = file.lastIndexOf(".");
          const [pod, what] = [file.slice(0, dot), file.slice(dot + 1)];
          return Array<string>(noted(pod, what)).fill(what);
        })
        .sort(),
    async containers() {
      const { items } = JSON.parse(await kubectl.ask("get", "pods", "-o", "json"));
      const records = items.flatMap(({ metadata, status }: KubernetesObject) =>
        [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map(
          ({ name, containerID, restartCount }: KubernetesObject) => [
            `${metadata.name}/${name}`,
            {
              pod: metadata.uid,
              id: containerID,
              restarts: restartCount,
              runs: noted(metadata.name, name),
            } satisfies ContainerRecord,
          ],
        ),
      );
      return Object.fromEntries(records);
    },
  };
}
