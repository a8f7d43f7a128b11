/** Kubernetes' own conformance specs on a cluster whose daemon is killed with -9 every 20 s. */
import { closeSync, rmSync } from "node:fs";
import { join } from "node:path";
import { listenForOthers } from "@dockershim/testing/unix-sockets";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { labConfig } from "../../lab/config.ts";
import { serveImage } from "../../lab/images.ts";
import { type ConformanceRun, runConformance } from "../conformance.ts";
import { daemonOf, daemonSocket } from "../daemon.ts";
import { installImageTools, nodeSuiteImages } from "../images.ts";
import { endProgram, startProgram } from "../processes.ts";
import { conformancePrograms, kubernetesPrograms } from "../programs.ts";
import { type Cluster, clusterFolder, down, up } from "../up-down.ts";
import { underKills } from "./daemon-kills.ts";

const config = labConfig({
  ...process.env,
  LAB: process.env.LAB || "conformance-kills",
  LAB_LOOKALIKES: "1",
});
const folder = clusterFolder(config);
const specs = 81;
let programs: Awaited<ReturnType<typeof kubernetesPrograms<(typeof conformancePrograms)[number]>>>;
let cluster: Cluster;

beforeAll(async () => {
  programs = await kubernetesPrograms(config, conformancePrograms);
  await installImageTools();
  cluster = await up(config);
  for (const image of nodeSuiteImages(cluster.lab.LAB_REGISTRY, programs.agnhost)) {
    await serveImage(config, image);
  }
});
afterAll(() => down(config));

/**
 * What a kubelet passes on of a runtime that is away: whoever wants a command to be run, or logs, is told so. A start
 * over which the connection breaks it calls failed, in an event, and does not run the hook of the container that runs.
 */
const away =
  /unable to retrieve container logs|connection error|code = Unavailable|error reading from server: EOF/;

/** For so long a kubelet waits for a runtime that takes its connection and says nothing, in ms. */
const kubeletPatienceMs = 5_000;

/**
 * Runs the specs while the daemon is killed: all must pass, at once or at a second try.
 *
 * @param socket One that the daemon is passed on at each start.
 */
async function runUnderKills(
  name: string,
  socket?: number,
): Promise<ConformanceRun & { readonly longestMs: number }> {
  const results = join(process.env.RESULTS || folder, `conformance-${name}`);
  const daemon = daemonOf(folder, cluster.lab, { passedSocket: socket });
  const { kills, longestMs, result } = await underKills(folder, daemon, (signal) =>
    runConformance({ programs, cluster, folder: results, attempts: 2, signal }),
  );
  const { passed, flaked, failed } = result;
  console.info(
    [
      `${name}: ${kills} kills, away for ${Math.round(longestMs)} ms at most; ${passed} specs passed, ` +
        `${flaked.length} of them at the second try, ${failed.length} failed`,
      ...[...flaked.map(({ line }) => line), ...failed].map((line) =>
        line.replaceAll(/\s+/g, " ").slice(0, 400),
      ),
    ].join("\n"),
  );
  expect(failed).toEqual([]);
  expect(passed).toBe(specs);
  expect(flaked.filter(({ line, output }) => !away.test(`${line}${output}`))).toEqual([]);
  expect(kills).toBeGreaterThan(2);
  return { ...result, longestMs };
}

test("specs pass while the daemon is killed every 20 s, but for what meets the moment without one", async () => {
  await runUnderKills("restarted");
}, 3_600_000);

test("all specs pass at once while the daemon is killed every 20 s behind a socket of systemd's kind", async () => {
  await endProgram(folder, "dockershim");
  const path = daemonSocket(folder);
  rmSync(path, { force: true });
  const socket = listenForOthers(path);
  try {
    await startProgram(folder, daemonOf(folder, cluster.lab, { passedSocket: socket }));
    const { flaked, longestMs } = await runUnderKills("activated", socket);
    // On a machine that is too slow for a kubelet's patience it is as if nobody held the socket.
    if (longestMs < kubeletPatienceMs) expect(flaked).toEqual([]);
  } finally {
    closeSync(socket);
  }
}, 3_600_000);
