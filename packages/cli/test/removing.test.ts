import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { runDockershim } from "./run-dockershim.js";
import { startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;

beforeAll(async () => {
  runtime = await startSampleRuntime();
});
beforeEach(() => {
  runtime.done.length = 0;
});
afterAll(() => runtime.close());

const dockershim = (...args: string[]) => runDockershim(runtime.endpoint, args);

describe("stop", () => {
  test("gives a container time to end", async () => {
    expect(await dockershim("stop", "web", "--grace-period", "1500ms")).toEqual({
      stdout: "container default/front/web stopped\n",
      stderr: "",
      code: 0,
    });
    expect(runtime.done).toEqual(["StopContainer 1c within 2 s"]);
  });

  test("gives what runs in a pod time to end, before the pod is stopped", async () => {
    expect(await dockershim("stop", "front")).toMatchObject({
      stdout: "pod default/front stopped\n",
      code: 0,
    });
    expect(runtime.done).toEqual(["StopContainer 1c within 10 s", "StopPodSandbox aa"]);
  });

  test("of several does not stop at one that is not there, or is an image", async () => {
    const { stdout, stderr, code } = await dockershim("stop", "nobody", "web:latest", "1c", "back");
    expect(stdout.trimEnd().split("\n").sort()).toEqual([
      "container default/front/web stopped",
      "pod shop/back stopped",
    ]);
    expect(stderr).toBe(
      'dockershim: no container or pod has the id or name "nobody"; see dockershim ps -a or pods\n' +
        'dockershim: no container or pod has the id or name "web:latest"; see dockershim ps -a or pods\n',
    );
    expect(code).toBe(1);
  });
});

test("without a runtime several things have one error", async () => {
  const { stderr } = await runDockershim("unix:///nonexistent/x.sock", ["stop", "web", "db"]);
  expect(stderr).toMatch(
    /^dockershim: cannot reach .*; --runtime-endpoint names another socket\n$/,
  );
});

describe("rm", () => {
  test("leaves what runs alone, and says what to do", async () => {
    expect(await dockershim("rm", "web", "front", "2c")).toEqual({
      stdout: "container default/front/web removed\n",
      stderr:
        "dockershim: container default/front/web is running: stop it first, or say --force\n" +
        "dockershim: pod default/front is running: stop it first, or say --force\n",
      code: 1,
    });
    expect(runtime.done).toEqual(["RemoveContainer 2c"]);
  });

  test("--force stops first", async () => {
    expect(await dockershim("rm", "-f", "front", "--grace-period", "0")).toMatchObject({
      stdout: "pod default/front removed\n",
      code: 0,
    });
    expect(runtime.done).toEqual([
      ...["StopContainer 1c within 0 s", "StopPodSandbox aa", "RemovePodSandbox aa"],
    ]);
  });

  test("names what the runtime could not remove", async () => {
    expect(await dockershim("rm", "db", "2c")).toEqual({
      stdout: "container default/front/web removed\n",
      stderr: "dockershim: container shop/back/db: RemoveContainer: device is busy\n",
      code: 1,
    });
  });
});

describe("rmi", () => {
  test("removes an image with all of its names", async () => {
    expect(await dockershim("rmi", "web:latest", "nobody")).toEqual({
      stdout: "image localhost:5000/web:1, web:latest removed\n",
      stderr: 'dockershim: no image has the id or name "nobody"; see dockershim images\n',
      code: 1,
    });
    expect(runtime.done).toEqual(["RemoveImage sha256:ee"]);
  });

  test("--prune removes those that no container is made of", async () => {
    expect(await dockershim("rmi", "--prune")).toEqual({
      stdout: `image gone@sha256:${"f".repeat(64)} removed\n`,
      stderr: "",
      code: 0,
    });
    expect(runtime.done).toEqual(["RemoveImage sha256:ff"]);
  });

  test.each([[[]], [["web:latest", "--prune"]]])("%j is wrong usage", async (args) => {
    expect(await dockershim("rmi", ...args)).toEqual({
      stdout: "",
      stderr: "dockershim: rmi: name images, or say --prune\n",
      code: 2,
    });
  });
});
