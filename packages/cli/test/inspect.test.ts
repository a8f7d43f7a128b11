import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parse, parseAllDocuments } from "yaml";
import { runDockershim } from "./run-dockershim.js";
import { id, ids } from "./sample-ids.js";
import { startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;

beforeAll(async () => {
  runtime = await startSampleRuntime();
});
afterAll(() => runtime.close());

const inspect = (...args: string[]) => runDockershim(runtime.endpoint, ["inspect", ...args]);

test.each([
  [
    "a container by its name",
    "front/web",
    { status: { id: ids.web }, info: { info: { pid: 42 } } },
  ],
  ["a container by the beginning of its id", ids.ended.slice(0, 5), { status: { id: ids.ended } }],
  ["a pod by its name", "shop/back", { status: { id: ids.back }, info: { info: { pid: 41 } } }],
  ["an image by its name", "web:latest", { image: { id: `sha256:${id("e")}` } }],
  ["an image by the beginning of its id", "sha256:ee", { image: { id: `sha256:${id("e")}` } }],
])("%s is told with the runtime's own details as values", async (_, name, told) => {
  const { stdout, stderr, code } = await inspect(name);
  expect(JSON.parse(stdout)).toMatchObject(told);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
});

test("what begins the ids of an image and a pod is the pod, unless asked for otherwise", async () => {
  expect(JSON.parse((await inspect("a")).stdout)).toMatchObject({ status: { id: ids.front } });
  expect(await inspect("a", "--type", "image")).toEqual({
    stdout: "",
    stderr: 'dockershim: no image has the id or name "a"; see dockershim images\n',
    code: 1,
  });
});

test("several come as an array, or as documents of YAML", async () => {
  const { stdout } = await inspect("front", "db");
  expect(JSON.parse(stdout)).toMatchObject([
    { status: { id: ids.front } },
    { status: { id: ids.db } },
  ]);
  const yaml = await inspect("-o", "yaml", "front", "db");
  expect(parseAllDocuments(yaml.stdout).map((each) => each.toJS())).toEqual(JSON.parse(stdout));
  expect(parse((await inspect("-o", "yaml", "db")).stdout)).toEqual(JSON.parse(stdout)[1]);
});

test("one that is not there keeps no other from being told", async () => {
  const { stdout, stderr, code } = await inspect("front", "nobody", "No:Name");
  expect(JSON.parse(stdout)).toMatchObject([{ status: { id: ids.front } }]);
  expect(stderr).toBe(
    'dockershim: no container, pod or image has the id or name "nobody"; see dockershim ps -a, pods or images\n' +
      'dockershim: no container, pod or image has the id or name "No:Name"; see dockershim ps -a, pods or images\n',
  );
  expect(code).toBe(1);
});

test("a name of a pod and a container is refused with the way out", async () => {
  runtime.addPod("web", "odd");
  expect(await inspect("web")).toEqual({
    stdout: "",
    stderr:
      'dockershim: "web" could be the container default/front/web or the pod odd/web: ' +
      "say --type container or --type pod\n",
    code: 1,
  });
  const { stdout } = await inspect("web", "--type", "pod");
  expect(JSON.parse(stdout)).toMatchObject({ status: { metadata: { namespace: "odd" } } });
});
