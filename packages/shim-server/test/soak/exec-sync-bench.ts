/**
 * ExecSync of `true` beside the three requests to Docker that it cannot do without: create, start
 * and read to the end, inspect. Both alternate, so that the machine's mood is the same for both.
 *
 * Run with a lab's environment: `node packages/shim-server/test/soak/exec-sync-bench.ts [rounds]`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCriClient } from "@dockershim/cri-client";
import { createDockerClient } from "@dockershim/docker-client";
import { startShim } from "@dockershim/shim-server";
import { pino } from "pino";

const rounds = Number(process.argv[2] ?? 100);

function lab(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set; see lab/README.md`);
  return value;
}

const dir = mkdtempSync(join(tmpdir(), "exec-bench-"));
const endpoint = lab("LAB_DOCKER_ENDPOINT");
const shim = await startShim(
  {
    listen: `unix://${dir}/shim.sock`,
    rootDir: `${dir}/root`,
    dockerEndpoint: endpoint,
    cniConfDir: lab("LAB_CNI_CONF_DIR"),
    cniBinDirs: [lab("LAB_CNI_BIN_DIR")],
    adoptUnlabelled: false,
  },
  pino({ level: "silent" }),
);
const cri = createCriClient({ endpoint: shim.endpoint });
const docker = createDockerClient({ endpoint });
const config = {
  metadata: { name: "bench", namespace: "bench", uid: `${process.pid}`, attempt: 0 },
  logDirectory: join(dir, "logs"),
  linux: {},
};
const { podSandboxId } = await cri.runtime.runPodSandbox({ config });
const { containerId } = await cri.runtime.createContainer({
  podSandboxId,
  sandboxConfig: config,
  config: {
    metadata: { name: "main", attempt: 0 },
    image: { image: lab("LAB_IMAGE") },
    command: ["sleep", "3600"],
    logPath: "main.log",
    linux: {},
  },
});
await cri.runtime.startContainer({ containerId });

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
  cri.close();
  await docker.close();
  await shim.close();
  rmSync(dir, { recursive: true, force: true });
}
