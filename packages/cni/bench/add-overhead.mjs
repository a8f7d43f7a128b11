/**
 * How long an ADD and a DEL take, and how much of it is not the plugins: bridge
 * with host-local, then portmap, in a namespace that plays the host.
 *
 *     node packages/cni/bench/add-overhead.mjs [cycles] [ballast in MB]
 *
 * Needs root, iproute2 and the plugins (CNI_BIN_DIR, default /usr/lib/cni). The
 * ballast makes the process as large as a daemon, since Node's own way of
 * starting a process gets slower with its size; both ways are measured.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCni, createPluginExec, createSpawnExec, parseNetworkConfig } from "../dist/index.js";

const cycles = Number(process.argv[2] ?? 50);
const ballast = Buffer.alloc(Number(process.argv[3] ?? 60) * 1024 * 1024, 1);
const plugins = process.env.CNI_BIN_DIR ?? "/usr/lib/cni";
const warmUp = 5;

const root = mkdtempSync(join(tmpdir(), "cni-bench-"));
const host = `cnibench-${process.pid}`;
const run = (...command) => execFileSync(command[0], command.slice(1), { stdio: "pipe" });

const binDir = join(root, "bin");
mkdirSync(binDir);
for (const type of readdirSync(plugins)) {
  const file = join(binDir, type);
  writeFileSync(file, `#!/bin/sh\nexec ip netns exec ${host} ${plugins}/${type}\n`);
  chmodSync(file, 0o755);
}

const network = parseNetworkConfig(
  JSON.stringify({
    cniVersion: "1.0.0",
    name: "bench",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isGateway: true,
        ipam: {
          type: "host-local",
          dataDir: join(root, "ipam"),
          ranges: [[{ subnet: "10.214.0.0/16" }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  }),
);

async function measure(exec) {
  let spent = 0;
  const timed = {
    run: async (run) => {
      const begin = performance.now();
      try {
        return await exec.run(run);
      } finally {
        spent += performance.now() - begin;
      }
    },
    close: () => exec.close(),
  };
  const cni = createCni({ binDirs: [binDir], cacheDir: join(root, "cache"), exec: timed });
  const rows = { ADD: [], DEL: [] };
  const record = async (name, work) => {
    spent = 0;
    const begin = performance.now();
    await work();
    const total = performance.now() - begin;
    rows[name].push({ total, plugins: spent, ours: total - spent });
  };
  for (let cycle = 0; cycle < cycles + warmUp; cycle += 1) {
    const pod = `${host}-pod`;
    run("ip", "netns", "add", pod);
    const attachment = {
      containerId: `pod${cycle}`,
      netns: `/run/netns/${pod}`,
      ifName: "eth0",
      capabilityArgs: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
    };
    await record("ADD", () => cni.add(network, attachment));
    await record("DEL", () => cni.del(attachment));
    run("ip", "netns", "del", pod);
  }
  cni.close();
  return rows;
}

function report(name, rows) {
  for (const [operation, all] of Object.entries(rows)) {
    const measured = all.slice(warmUp);
    const at = (key, quantile) => {
      const sorted = measured.map((row) => row[key]).sort((a, b) => a - b);
      return sorted[Math.floor(quantile * (sorted.length - 1))].toFixed(2).padStart(7);
    };
    console.log(
      `${name.padEnd(14)} ${operation}  total p50 ${at("total", 0.5)}  plugins ${at("plugins", 0.5)}` +
        `  ours p50 ${at("ours", 0.5)}  p90 ${at("ours", 0.9)}  (ms)`,
    );
  }
}

run("ip", "netns", "add", host);
try {
  const rss = Math.round(process.memoryUsage.rss() / 1024 / 1024);
  console.log(`${cycles} cycles, ${rss} MB resident (${ballast.length >> 20} MB ballast)`);
  report("through shells", await measure(createPluginExec(() => {})));
  report("node's spawn", await measure(createSpawnExec(() => {})));
} finally {
  run("ip", "netns", "del", host);
  rmSync(root, { recursive: true });
}
