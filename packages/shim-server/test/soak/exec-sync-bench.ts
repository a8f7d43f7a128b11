/**
 * ExecSync of `true` beside the three requests to Docker that it cannot do without: create, start
 * and read to the end, inspect. Both alternate, so that the machine's mood is the same for both.
 *
 * Run with a lab's environment: `node packages/shim-server/test/soak/exec-sync-bench.ts [rounds]`.
 */
import { startSoak } from "./soak.ts";

const rounds = Number(process.argv[2] ?? 100);

const soak = await startSoak("exec-bench");
const { docker, cri } = soak;
const { podSandboxId, containerIds } = await soak.runPod({ main: { command: ["sleep", "3600"] } });
const { main: containerId = "" } = containerIds;

async function direct(): Promise<void> {
  const id = await docker.exec.create(containerId, {
    Cmd: ["true"],
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await docker.exec.start(id, { tty: false, stdin: false });
  stream.stderr.resume();
  for await (const _ of stream.stdout) {
    // Read to the end, as whoever wants the output must.
  }
  await docker.exec.inspect(id);
}

async function throughCri(): Promise<void> {
  await cri.runtime.execSync({ containerId, cmd: ["true"], timeout: 10n });
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

const percentile = (values: number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? Number.NaN;

try {
  const times: { direct: number[]; cri: number[] } = { direct: [], cri: [] };
  for (let round = -5; round < rounds; round++) {
    // Who is first in a pair would otherwise always find the colder engine.
    const pair = [
      { values: times.direct, work: direct },
      { values: times.cri, work: throughCri },
    ];
    for (const { values, work } of round % 2 === 0 ? pair : pair.reverse()) {
      const ms = await timed(work);
      if (round >= 0) values.push(ms);
    }
  }
  const ratios = times.cri.map((ms, index) => ms / (times.direct[index] ?? Number.NaN));
  for (const part of [0.1, 0.5, 0.9]) {
    const [docker, cri] = [percentile(times.direct, part), percentile(times.cri, part)];
    console.log(
      `p${part * 100}: Docker ${docker.toFixed(1)} ms, ExecSync ${cri.toFixed(1)} ms, ratio ${(cri / docker).toFixed(3)}`,
    );
  }
  console.log(`median of the pairs' ratios: ${percentile(ratios, 0.5).toFixed(3)}`);
} finally {
  await cri.runtime.removePodSandbox({ podSandboxId });
  await soak.close();
}
