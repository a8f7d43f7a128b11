import { readFileSync } from "node:fs";
import type { DockerClient } from "@dockershim/docker-client";

/** The process id of containerd's shim of a running container: it is the parent of the container's first process. */
export async function shimOf(docker: DockerClient, id: string): Promise<number> {
  const { State: state } = await docker.containers.inspect(id);
  return Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${state.Pid}/status`, "utf8"))?.[1]);
}
