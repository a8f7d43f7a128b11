import { join } from "node:path";
import { cniBinDir, engines, type LabConfig, labConfig } from "./config.ts";
import { installMissing, type Need } from "./debian.ts";
import { enginePrograms } from "./engine-programs.ts";
import { findGo } from "./go-programs.ts";
import { LabError } from "./lab-error.ts";
import { lookAlikeNeeds, unpackNginx } from "./look-alikes.ts";
import { unpackBusybox } from "./rootfs.ts";

/** What the lab and the daemon under test call, apart from the engine's own programs. */
const needs: readonly Need[] = [
  { file: "docker-registry", package: "docker-registry" },
  { file: join(cniBinDir, "bridge"), package: "containernetworking-plugins" },
  { file: "/bin/busybox", package: "busybox-static" },
  { file: "iptables", package: "iptables" },
  { file: "conntrack", package: "conntrack" },
  { file: "socat", package: "socat" },
  { file: "ip", package: "iproute2" },
  { file: "pgrep", package: "procps" },
  { file: "ipcmk", package: "util-linux" },
  { file: "nsenter", package: "util-linux" },
  { file: "openssl", package: "openssl" },
];

/** Fetches what one lab is made of and does not have yet, so that bringing it up needs no registry. */
export async function fetchLab(config: LabConfig, signal?: AbortSignal): Promise<void> {
  await installMissing([...needs, ...(config.lookAlikes ? lookAlikeNeeds : [])], signal);
  await enginePrograms(config, signal);
  await unpackBusybox(config.cacheDir, signal);
  if (config.lookAlikes) await unpackNginx(config.cacheDir, signal);
}

/**
 * Fetches what every lab that can be had on this machine is made of. One that fails keeps none of the others
 * from being fetched.
 *
 * @throws {LabError} with what could not be fetched, once the rest is there
 */
export async function fetchAll(
  env: NodeJS.ProcessEnv = process.env,
  signal?: AbortSignal,
): Promise<void> {
  const failures: string[] = [];
  for (const engine of engines) {
    if (engine === "29" && (await findGo()) === undefined) {
      console.error("lab: Docker 29 is left out: it is built from source, and there is no Go");
      continue;
    }
    const wanted = { DOCKER: engine, LAB_STORE: "", LAB_LOOKALIKES: "1" };
    await fetchLab(labConfig({ ...env, ...wanted }), signal).catch((error: Error) => {
      failures.push(`Docker ${engine}: ${error.message}`);
    });
    signal?.throwIfAborted();
  }
  if (failures.length > 0) throw new LabError("host", failures.join("\n"));
}
