import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { LabConfig } from "../../lab/config.ts";
import { callEngine } from "../../lab/engine-api.ts";
import type { LabEnv } from "../../lab/env.ts";
import { nodeName } from "../node.ts";
import { draDriverProgram } from "../programs.ts";
import { type Cluster, clusterFolder } from "../up-down.ts";
import type { KubernetesObject } from "./kubectl.ts";

/** Our driver of dynamic resources, at work on a cluster's node. */
export interface DraDriver {
  /** Of the driver, and of the objects that lead to its device. */
  readonly name: string;
  readonly deviceClass: KubernetesObject;
  readonly claimTemplate: KubernetesObject;
  close(): Promise<void>;
}

/** Where the engine looks for CDI devices; undefined where CDI is off, or not there at all. */
export async function cdiFolder({ LAB_DOCKER_ENDPOINT }: LabEnv): Promise<string | undefined> {
  const socket = LAB_DOCKER_ENDPOINT.replace("unix://", "");
  const { CDISpecDirs } = JSON.parse(await callEngine(socket, { path: "/info" }));
  return CDISpecDirs?.at(-1);
}

/** Starts the driver; it is known to the kubelet and the API server when this returns. */
export async function startDraDriver(
  config: LabConfig,
  { kubeconfig }: Pick<Cluster, "kubeconfig">,
  cdi: string,
): Promise<DraDriver> {
  // Short, for the kubelet's folder for its socket is deep, and the kernel takes 107 bytes.
  const name = `t${process.pid}.dra`;
  const kubelet = join(clusterFolder(config), "kubelet");
  const made = !existsSync(cdi);
  const flags = { driver: name, kubeconfig, node: nodeName, kubelet, cdi };
  const args = Object.entries(flags).map(([flag, value]) => `-${flag}=${value}`);
  const child = spawn(await draDriverProgram(config), args, {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, "line"), ended]);
  if (line !== "serving") throw new Error(`the driver of dynamic resources has ended: ${line}`);
  const apiVersion = "resource.k8s.io/v1";
  const chosen = { cel: { expression: `device.driver == "${name}"` } };
  const request = { name: "thing", exactly: { deviceClassName: name } };
  return {
    name,
    deviceClass: {
      ...{ apiVersion, kind: "DeviceClass", metadata: { name } },
      spec: { selectors: [chosen] },
    },
    claimTemplate: {
      ...{ apiVersion, kind: "ResourceClaimTemplate", metadata: { name } },
      spec: { spec: { devices: { requests: [request] } } },
    },
    async close() {
      child.kill();
      await ended;
      if (made) rmdirSync(cdi);
    },
  };
}
