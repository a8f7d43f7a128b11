import { ContainerState } from "@dockershim/cri-types";
import type { ContainerInspect, ContainerSummary } from "@dockershim/docker-client";
import { describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { createStore } from "../src/state/store.js";

const id = "c".repeat(64);
const labels = {
  "io.kubernetes.docker.type": "container",
  "io.kubernetes.sandbox.id": "d".repeat(64),
};

/** An engine with one container, which can be renamed and end. */
function createEngine(name: string) {
  const engine = { name, status: "running" };
  const inspect = (): ContainerInspect =>
    ({
      Id: id,
      Name: `/${engine.name}`,
      Created: "2026-01-01T00:00:00Z",
      Image: `sha256:${"e".repeat(64)}`,
      Config: { Labels: labels, Image: "busybox" },
      HostConfig: {},
      Mounts: [],
      State: {
        Status: engine.status,
        Running: engine.status === "running",
        Pid: 0,
        ExitCode: 137,
        Error: "",
        StartedAt: "2026-01-01T00:00:01Z",
        FinishedAt: "2026-01-01T00:00:02Z",
      },
    }) as unknown as ContainerInspect;
  const store = createStore({
    containers: {
      inspect: async () => inspect(),
      list: async () => [
        { Id: id, Labels: labels, State: engine.status } as unknown as ContainerSummary,
      ],
    },
    owns: () => true,
    log: pino({ level: "silent" }),
  });
  return { engine, store };
}

describe("a container that somebody renames", () => {
  test("stays its pod's, and its end is seen", async () => {
    const { engine, store } = createEngine("k8s_main_web_prod_u1_0");
    await store.resync();
    engine.name = "my-favourite";
    engine.status = "exited";
    await store.refresh(id);
    expect(store.container(id)?.item).toMatchObject({
      metadata: { name: "main" },
      state: ContainerState.CONTAINER_EXITED,
    });
    expect(store.planned("k8s_main_web_prod_u1_0")).toMatchObject([{ id }]);
  });

  test("before the daemon starts is left out, and keeps nothing else from being read", async () => {
    const { store } = createEngine("my-favourite");
    await store.resync({ full: true });
    expect([...store.containers()]).toEqual([]);
  });
});
