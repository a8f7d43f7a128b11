import { request } from "node:http";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type FakeDocker, startFakeDocker } from "../src/docker/fake-docker.ts";
import { until } from "../src/until.ts";

let docker: FakeDocker;
beforeEach(async () => {
  docker = await startFakeDocker();
  docker.images.add("busybox:1");
});
afterEach(() => docker.close());

interface Reply {
  readonly status: number | undefined;
  readonly body: string;
}

/** Asks the engine as any HTTP client does. */
function ask(method: string, path: string, body?: object): Promise<Reply> {
  const socketPath = docker.endpoint.replace("unix://", "");
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method, path }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode, body: text }));
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const create = (): Promise<Reply> =>
  ask("POST", "/containers/create?name=web", { Image: "busybox:1", Labels: { app: "x" } });

test("a request is a step by the container's name, whatever it was asked by", async () => {
  const { Id: id } = JSON.parse((await create()).body) as { Id: string };
  await ask("POST", `/containers/${id}/start`);
  await ask("POST", "/containers/web/start");
  expect(docker.steps.taken).toEqual([
    "POST /containers/create",
    "POST /containers/web/start",
    "POST /containers/web/start (2)",
  ]);
});

test("a step that is refused does nothing, and says so", async () => {
  docker.steps.plan("POST /containers/create", { outcome: "refused" });
  expect(await create()).toMatchObject({ status: 500 });
  expect(docker.containers.all()).toEqual([]);
  expect(await create()).toMatchObject({ status: 201 });
});

test("a step whose reply is lost is done, and its connection cut", async () => {
  docker.steps.plan("POST /containers/create", { outcome: "lost" });
  await expect(create()).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(docker.containers.get("web").status).toBe("created");
});

test("a step can be held until it is let go", async () => {
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  docker.steps.plan("POST /containers/create", { before: () => held });
  const creating = create();
  await until(() => docker.steps.taken.length === 1);
  expect(docker.containers.all()).toEqual([]);
  letGo();
  expect(await creating).toMatchObject({ status: 201 });
});

test("a step whose asker leaves before it is not done, unless it shall be", async () => {
  for (const regardless of [false, true]) {
    const over = Promise.withResolvers<void>();
    docker.steps.forget();
    docker.steps.plan("POST /containers/create", {
      regardless,
      async before({ left }) {
        for (const socket of docker.server.sockets) socket.destroy();
        await left;
        setImmediate(over.resolve);
      },
    });
    await expect(create()).rejects.toMatchObject({ code: "ECONNRESET" });
    await over.promise;
    expect(docker.containers.all()).toHaveLength(regardless ? 1 : 0);
  }
});
