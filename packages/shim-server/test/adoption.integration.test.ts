import { ContainerState, PodSandboxState } from "@dockershim/cri-types";
import { pauseImage } from "@dockershim/pause-image";
import { labVariable } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

describe("a node taken over from cri-dockerd", () => {
  let h: Harness;
  const uid = `adopted-${process.pid}`;
  const made: string[] = [];
  beforeAll(async () => {
    h = await createHarness({ adoptUnlabelled: true });
    await h.docker.images.load(pauseImage("amd64").tar);
  });
  afterAll(async () => {
    for (const id of made.reverse()) {
      await h.docker.containers.remove(id, { force: true }).catch(() => undefined);
    }
    await h.close();
  });

  /** Makes a container under the names and labels that cri-dockerd gives. */
  async function create(name: string, body: object): Promise<string> {
    const { Id } = await h.docker.containers.create(body, { name });
    made.push(Id);
    await h.docker.containers.start(Id);
    return Id;
  }

  test("its pods are listed with their metadata, run on, and can be stopped and removed", async () => {
    const podSandboxId = await create(`k8s_POD_web_prod_${uid}_2`, {
      Image: pauseImage("amd64").reference,
      Labels: {
        "io.kubernetes.docker.type": "podsandbox",
        "io.kubernetes.container.name": "POD",
        "io.kubernetes.pod.name": "web",
        app: "web",
        "annotation.note": "kept",
      },
      HostConfig: { NetworkMode: "none", IpcMode: "shareable" },
    });
    const containerId = await create(`k8s_nginx_web_prod_${uid}_3_0000002a`, {
      Image: labVariable("LAB_IMAGE"),
      Cmd: ["sleep", "3600"],
      Labels: {
        "io.kubernetes.docker.type": "container",
        "io.kubernetes.sandbox.id": podSandboxId,
        "io.kubernetes.container.logpath": `${h.dir}/web.log`,
        "io.kubernetes.container.name": "nginx",
      },
      HostConfig: { NetworkMode: `container:${podSandboxId}` },
    });
    const pid = (await h.docker.containers.inspect(containerId)).State.Pid;

    await h.restart();
    const { items } = await h.cri.runtime.listPodSandbox({ filter: { id: podSandboxId } });
    expect(items[0]).toMatchObject({
      metadata: { name: "web", namespace: "prod", uid, attempt: 2 },
      state: PodSandboxState.SANDBOX_READY,
      labels: { app: "web" },
      annotations: { note: "kept" },
    });
    const { status } = await h.cri.runtime.containerStatus({ containerId });
    expect(status).toMatchObject({
      metadata: { name: "nginx", attempt: 3 },
      state: ContainerState.CONTAINER_RUNNING,
    });
    expect((await h.docker.containers.inspect(containerId)).State.Pid).toBe(pid);

    await h.cri.runtime.stopPodSandbox({ podSandboxId });
    await h.cri.runtime.removePodSandbox({ podSandboxId });
    const left = await h.docker.containers.list({ all: true });
    expect(left.map(({ Id }) => Id)).not.toContain(podSandboxId);
    expect(left.map(({ Id }) => Id)).not.toContain(containerId);
  });

  test("a daemon told not to adopt leaves them alone", async () => {
    const podSandboxId = await create(`k8s_POD_other_prod_${uid}_0`, {
      Image: pauseImage("amd64").reference,
      Labels: { "io.kubernetes.docker.type": "podsandbox" },
      HostConfig: { NetworkMode: "none" },
    });
    await h.restart({ adoptUnlabelled: false });
    const { items } = await h.cri.runtime.listPodSandbox({});
    expect(items.map(({ id }) => id)).not.toContain(podSandboxId);
    await h.cri.runtime.removePodSandbox({ podSandboxId });
    expect((await h.docker.containers.inspect(podSandboxId)).State.Running).toBe(true);
  });
});
