/**
 * Kills a real daemon with SIGKILL at random moments while containers write numbered lines and
 * their logs are rotated, then checks that every line is there once.
 *
 *   node packages/shim-server/test/soak/log-kills.ts [kills] [seed]
 *
 * Needs the lab's variables (lab/README.md) and a build. Exit code 0 when nothing was lost or
 * doubled.
 */
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ContainerState } from "@dockershim/cri-types";
import { seeded } from "@dockershim/testing";
import { readNumberedLog } from "../log-checker.ts";
import { startSoak } from "./soak.ts";

const kills = Number(process.argv[2] ?? 50);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const random = seeded(seed);

const burst = (count: number, pad: number, pause: string): string =>
  `awk 'BEGIN{for(p="";length(p)<${pad};)p=p "x";for(;;){for(j=0;j<${count};j++)print ++i " " p;fflush();system("sleep ${pause}")}}'`;

/** What the containers do; each numbers the lines of each of its streams. */
const writers: Record<string, { command: string; tty?: boolean }> = {
  fast: { command: burst(20_000, 90, "0.3") },
  long: { command: burst(5, 60_000, "0.1") },
  slow: { command: burst(1, 20, "0.01") },
  tty: { command: burst(100, 40, "0.1"), tty: true },
  both: { command: `(${burst(50, 40, "0.05")} >&2) & ${burst(50, 40, "0.05")}` },
  rare: { command: burst(1, 20, "7") },
};

const soak = await startSoak("log-kills", {
  onLine(line) {
    const { level, msg, container } = JSON.parse(line) as Record<string, unknown>;
    if (Number(level) >= 40 && container !== undefined) console.log(`daemon: ${msg}`);
  },
});
console.log(`${kills} kills, seed ${seed}, ${soak.dir}`);
const { podSandboxId, containerIds, logDirectory } = await soak.runPod(
  Object.fromEntries(
    Object.entries(writers).map(([name, { command, tty = false }]) => [
      name,
      { command: ["sh", "-c", command], tty },
    ]),
  ),
);
const containers = Object.entries(containerIds).map(([name, id]) => ({
  name,
  id,
  path: join(logDirectory, name, "0.log"),
  rotations: 0,
}));

let rotations = 0;
let failedRotations = 0;
for (let kill = 0; kill < kills; kill++) {
  // Some are killed while they start, some while they rotate.
  const early = random() < 0.3;
  if (!early) await soak.daemon.ready;
  const until = Date.now() + random() * (early ? 600 : 2_000);
  const rotating = soak.daemon.ready.then(async () => {
    while (Date.now() < until) {
      await rotate(containers[Math.floor(random() * containers.length)]);
      await setTimeout(random() * 200);
    }
  });
  await setTimeout(until - Date.now());
  await soak.kill();
  await rotating.catch(() => {});
  await setTimeout(random() * 500);
  soak.launch();
  if (kill % 10 === 9) console.log(`${kill + 1} kills, ${rotations} rotations`);
}
await soak.daemon.ready;
const { cri, docker } = soak;

let failed = false;
for (const { name, id, path } of containers) {
  await cri.runtime.stopContainer({ containerId: id, timeout: 0n });
  const { status } = await cri.runtime.containerStatus({ containerId: id });
  if (status?.state !== ContainerState.CONTAINER_EXITED) throw new Error(`${name} did not end`);
  const pad = Number(/length\(p\)<(\d+)/.exec(writers[name]?.command ?? "")?.[1]);
  const log = await readNumberedLog(path, (rest) => rest.length === pad + 1);
  const wanted = await dockersLast(id, writers[name]?.tty ?? false);
  const complete = Object.entries(wanted).every(([stream, last]) => log.last[stream] === last);
  const good = complete && log.problems.length === 0;
  failed ||= !good;
  const verdict = good ? "ok" : "FAILED";
  console.log(
    `${verdict} ${name}: ${log.lines} lines in ${log.files} files, last`,
    log.last,
    wanted,
  );
  for (const problem of log.problems) console.log(`  ${problem}`);
}
console.log(`${kills} kills, ${rotations} rotations, ${failedRotations} cut short or refused`);

await cri.runtime.removePodSandbox({ podSandboxId });
await soak.close({ keep: failed });
if (failed) console.log(`kept for a look: ${soak.dir}`);
process.exitCode = failed ? 1 : 0;

/** Numbers of the last whole line of each stream that the engine has. */
async function dockersLast(id: string, tty: boolean): Promise<Record<string, number>> {
  const last: Record<string, number> = {};
  const pieces: Record<string, string> = {};
  for await (const { stream, data } of docker.containers.logs(id, { tail: 200, tty })) {
    pieces[stream] = (pieces[stream] ?? "") + data.toString("latin1");
  }
  for (const [stream, text] of Object.entries(pieces)) {
    const whole = text.slice(0, text.lastIndexOf("\n"));
    const number = /(?:^|\n)\s*(\d+) x+\r?$/.exec(whole)?.[1];
    if (number !== undefined) last[stream] = Number(number);
  }
  return last;
}

/** As a kubelet does it: rename, reopen, and rename back if that fails. */
async function rotate(container: (typeof containers)[number] | undefined): Promise<void> {
  if (container === undefined || !existsSync(container.path)) return;
  const renamed = `${container.path}.${++container.rotations}`;
  renameSync(container.path, renamed);
  try {
    await soak.cri.runtime.reopenContainerLog({ containerId: container.id });
    if (!existsSync(container.path)) throw new Error("the path is not there after reopening");
    rotations++;
  } catch {
    failedRotations++;
    // A daemon that was killed after it had made the new file has done its part.
    if (existsSync(container.path)) return;
    renameSync(renamed, container.path);
  }
}
