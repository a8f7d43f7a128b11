// What a process pays for loading the Docker client: memory, and time and CPU until its first ping
// has been answered. Compared with Node's HTTP client alone, with dockerode's own transport loaded
// besides, and with the whole of dockerode loaded besides. Medians.
//
//   npm run build && node bench/docker-client-cost.ts [--runs 21] [--also NAME=FOLDER]…
//
// FOLDER is another build of the package, such as that of an older commit.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs, promisify } from "node:util";

interface Figures {
  readonly rssMb: number;
  readonly startMs: number;
  readonly cpuMs: number;
}

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "21" },
    also: { type: "string", multiple: true, default: [] },
  },
});
const root = join(import.meta.dirname, "..");
const client = join(root, "packages/docker-client");
const dockerode = createRequire(join(client, "package.json")).resolve("dockerode");
const dockerModem = createRequire(dockerode).resolve("docker-modem");
const folder = mkdtempSync(join(tmpdir(), "docker-client-cost-"));
const socketPath = join(folder, "docker.sock");

const report = `const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ rssMb: process.memoryUsage.rss() / 2 ** 20,
    startMs: performance.now(), cpuMs: (user + system) / 1000 }));`;

function importsOf(files: readonly string[]): string {
  return files.map((file) => `await import(${JSON.stringify(file)});`).join("\n");
}

function pingBy(packageFolder: string, alsoLoaded: readonly string[] = []): string {
  return `${importsOf(alsoLoaded)}
    const { createDockerClient } = await import(${JSON.stringify(join(packageFolder, "dist/index.js"))});
    const docker = createDockerClient({ endpoint: ${JSON.stringify(`unix://${socketPath}`)} });
    await docker.ping();
    ${report}
    await docker.close();`;
}

const bare = `const { get } = await import("node:http");
  await new Promise((resolve, reject) =>
    get({ socketPath: ${JSON.stringify(socketPath)}, path: "/_ping" }, (reply) =>
      reply.resume().on("end", resolve)).on("error", reject));
  ${report}`;

const classes = ["container", "exec", "image"].map((name) =>
  join(dirname(dockerode), `${name}.js`),
);

const programs: Readonly<Record<string, string>> = {
  "node:http alone": bare,
  "node:http, dockerode's three classes loaded": `${importsOf(classes)} ${bare}`,
  "docker-client": pingBy(client),
  "docker-client, docker-modem loaded": pingBy(client, [dockerModem]),
  "docker-client, all of dockerode loaded": pingBy(client, [dockerode]),
  ...Object.fromEntries(
    values.also.map((also) => {
      const at = also.indexOf("=");
      return [also.slice(0, at), pingBy(also.slice(at + 1))];
    }),
  ),
};

async function measure(program: string): Promise<Figures> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "--eval",
    program,
  ]);
  return JSON.parse(stdout) as Figures;
}

function median(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[Math.floor(sorted.length / 2)] ?? Number.NaN).toFixed(1);
}

const engine = createServer((_request, response) => response.end("OK"));
await new Promise<void>((resolve) => engine.listen(socketPath, resolve));
try {
  const runs = new Map<string, Figures[]>(Object.keys(programs).map((name) => [name, []]));
  // In turns, so that whatever else the machine does falls on all of them alike. The first round
  // fills the page cache and does not count.
  for (let round = 0; round <= Number(values.runs); round++) {
    for (const [name, program] of Object.entries(programs)) {
      const figures = await measure(program);
      if (round > 0) runs.get(name)?.push(figures);
    }
  }
  console.log("| loaded | RSS, MB | first ping, ms | CPU until then, ms |");
  console.log("|---|---|---|---|");
  for (const [name, list] of runs) {
    const of = (key: keyof Figures) => median(list.map((figures) => figures[key]));
    console.log(`| ${name} | ${of("rssMb")} | ${of("startMs")} | ${of("cpuMs")} |`);
  }
} finally {
  engine.close();
  rmSync(folder, { recursive: true });
}
