import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "no-root-"));
  chmodSync(dir, 0o755);
  mkdirSync(join(dir, "ours"), { mode: 0o555 });
  mkdirSync(join(dir, "root"));
  chmodSync(join(dir, "root"), 0o777);
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Starts a daemon as nobody, or as whoever runs this if that is not root. */
function startAsNobody(options: object): { code: string; message: string } {
  const script = `
    import { startShim } from ${JSON.stringify(import.meta.resolve("../dist/index.js"))};
    import { pino } from ${JSON.stringify(import.meta.resolve("pino"))};
    if (process.getuid() === 0) process.seteuid(65534);
    const failed = await startShim(${JSON.stringify(options)}, pino({ level: "silent" })).catch(
      ({ code, message }) => ({ code, message }),
    );
    console.log(JSON.stringify(failed));
    process.exit();
  `;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", script],
    { encoding: "utf8" },
  );
  return stdout === "" ? { code: "none", message: stderr } : JSON.parse(stdout);
}

test.each([
  ["a root directory that cannot be made", { rootDir: "ours/root" }, "mkdir"],
  ["a socket's folder that cannot be made", { listen: "ours/run/cri.sock" }, "mkdir"],
])(
  "%s is told with the file and what to do",
  (_, { rootDir, listen }: Record<string, string>, call) => {
    const refused = rootDir ?? "ours/run";
    const result = startAsNobody({
      rootDir: join(dir, rootDir ?? "root"),
      listen: `unix://${join(dir, listen ?? "cri.sock")}`,
      dockerEndpoint: `unix://${join(dir, "no.sock")}`,
      networkPlugin: "none",
    });
    expect(result).toEqual({
      code: "permission_denied",
      message: `cannot ${call} ${join(dir, refused)}: permission denied; run it as root`,
    });
  },
);
