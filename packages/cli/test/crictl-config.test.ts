import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { runDockershim } from "./run-dockershim.js";
import { ids } from "./sample-ids.js";
import { startSampleRuntime } from "./sample-runtime.js";

type Sample = Awaited<ReturnType<typeof startSampleRuntime>>;

let dir: string;
let runtime: Sample;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "cli-crictl-"));
  runtime = await startSampleRuntime();
});
afterAll(async () => {
  await runtime.close();
  await rm(dir, { recursive: true });
});

const nowhere = "unix:///nonexistent/x.sock";

/** Runs a command with this text in crictl's file, and these variables. */
async function withFile(text: string, env: Record<string, string>, ...args: string[]) {
  const file = join(dir, "crictl.yaml");
  await writeFile(file, text);
  return await runDockershim("", args, { env: { CRI_CONFIG_FILE: file, ...env } });
}

test("the socket of crictl's file is asked, and keys that are crictl's own are passed over", async () => {
  const text = `runtime-endpoint: ${runtime.endpoint}\ntimeout: 10\ndebug: false\npull-image-on-create: true\n`;
  expect(await withFile(text, {}, "ps", "-q")).toEqual({
    stdout: `${ids.web}\n`,
    stderr: "",
    code: 0,
  });
});

test("a variable comes before the file, and a flag before both", async () => {
  const text = `runtime-endpoint: ${nowhere}\n`;
  const variable = { CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint };
  expect(await withFile(text, variable, "ps", "-q")).toMatchObject({ stdout: `${ids.web}\n` });
  const flag = ["-r", runtime.endpoint];
  const wrong = { CONTAINER_RUNTIME_ENDPOINT: nowhere };
  expect(await withFile(text, wrong, "ps", "-q", ...flag)).toMatchObject({
    stdout: `${ids.web}\n`,
  });
});

test("the socket for images goes with that of the runtime beside it", async () => {
  const text = `runtime-endpoint: ${nowhere}\nimage-endpoint: ${runtime.endpoint}\n`;
  expect(await withFile(text, {}, "images", "-q")).toMatchObject({ code: 0 });
  expect(await withFile(text, {}, "images", "-q", "-r", nowhere)).toMatchObject({ code: 1 });
  const flags = ["-r", nowhere, "--image-endpoint", runtime.endpoint];
  expect(await withFile("", {}, "images", "-q", ...flags)).toMatchObject({ code: 0 });
});

test("an error says which file names a socket that is not there", async () => {
  const { stderr } = await withFile(`runtime-endpoint: ${nowhere}\n`, {}, "ps");
  expect(stderr).toMatch(/crictl\.yaml names this one, --runtime-endpoint names another socket\n$/);
});

test.each([
  ["a: [", /^dockershim: .*crictl\.yaml: .*\n$/],
  ["- x", /crictl\.yaml: expected keys with values at the top level\n$/],
  ["runtime-endpoint: 7", /crictl\.yaml: runtime-endpoint is no text\n$/],
  ["timeout: 1.5", /crictl\.yaml: timeout is no number of seconds\n$/],
])("%j is refused with the file's name", async (text, message) => {
  const { stdout, stderr, code } = await withFile(text, {}, "ps");
  expect(stderr).toMatch(message);
  expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
});

test("a file that a variable names has to be there, unless flags say it all", async () => {
  const env = { CRI_CONFIG_FILE: join(dir, "none") };
  expect(await runDockershim("", ["ps"], { env })).toMatchObject({
    stderr: `dockershim: cannot read ${dir}/none: there is no such file\n`,
    code: 1,
  });
  const flags = ["-r", runtime.endpoint, "-t", "5s"];
  expect(await runDockershim("", ["ps", ...flags], { env })).toMatchObject({ code: 0 });
});
