import { existsSync } from "node:fs";
import { create, type DescMethod, fromBinary, type Message } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import {
  CreateContainerResponseSchema,
  ImageService,
  RunPodSandboxResponseSchema,
  RuntimeService,
} from "@dockershim/cri-types";
import { labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { createHarness, type Harness } from "../harness.js";
import { cgroupsAbove, foldersOf, removeCgroup } from "../pod-cgroup.js";
import { mutationsOf } from "./mutations.js";
import { createRawClient, type Outcome, type RawClient } from "./raw-call.js";
import { isServedOrRefused } from "./served-or-refused.js";

const parallel = 4;

/**
 * Defines tests that send each call with each of its fields hostile in every way.
 *
 * @param every Of the ways to make a field hostile, one in so many.
 */
export function testHostileFields(every: number): void {
  describe("a request with a hostile field", () => {
    let h: Harness;
    let raw: RawClient;
    let pod: Awaited<ReturnType<Harness["runPod"]>>;
    const told: string[] = [];
    const cgroups = new Set<string>();
    let requests = 0;

    beforeAll(async () => {
      const write = (line: string): void => void told.push(line);
      h = await createHarness({}, pino({ level: "debug" }, { write }));
      raw = createRawClient((h.options.listen ?? "").replace("unix://", ""));
      pod = await h.runPod();
    });
    afterAll(async () => {
      raw.close();
      await h.close();
    });

    /** A good request of a method, of which one field at a time is changed. */
    function requestOf(method: DescMethod): Message {
      const { podSandboxId, containerId, config: sandboxConfig } = pod;
      // Calls for one name would share one attempt.
      const metadata = { name: `c${requests++}`, attempt: 0 };
      const image = { image: labVariable("LAB_REGISTRY_IMAGE") };
      const known: Record<string, Record<string, unknown>> = {
        RunPodSandbox: { config: h.sandboxConfig() },
        CreateContainer: { podSandboxId, sandboxConfig, config: h.containerConfig({ metadata }) },
        ExecSync: { containerId, cmd: ["true"], timeout: 5n },
        Exec: { containerId, cmd: ["true"], stdout: true },
        Attach: { containerId, stdout: true },
        PortForward: { podSandboxId, port: [80] },
        PullImage: { image },
        ImageStatus: { image },
        RemoveImage: { image: { image: "no/such:image" } },
        UpdateContainerResources: { containerId },
        UpdatePodSandboxResources: { podSandboxId },
        ReopenContainerLog: { containerId },
        ContainerStatus: { containerId },
        ContainerStats: { containerId },
        PodSandboxStatus: { podSandboxId },
        PodSandboxStats: { podSandboxId },
      };
      return create(method.input, known[method.name] ?? {});
    }

    /** Those that the engine made for a sandbox's own. */
    async function cgroupsOf(id: string): Promise<string[]> {
      const { State } = await h.docker.containers.inspect(id);
      return cgroupsAbove(State.Pid);
    }

    /** What a call made goes again, so that the next has the same beginning. */
    async function remove(method: DescMethod, { code, body }: Outcome): Promise<void> {
      if (code !== 0 || body.length < 5) return;
      const message = body.subarray(5);
      if (method.name === "RunPodSandbox") {
        const { podSandboxId } = fromBinary(RunPodSandboxResponseSchema, message);
        const made = await cgroupsOf(podSandboxId);
        await h.cri.runtime.removePodSandbox({ podSandboxId });
        // A pod's cgroup is its kubelet's, which is us.
        for (const cgroup of made) {
          cgroups.add(cgroup);
          removeCgroup(cgroup);
        }
      } else if (method.name === "CreateContainer") {
        const { containerId } = fromBinary(CreateContainerResponseSchema, message);
        await h.cri.runtime.removeContainer({ containerId });
      }
    }

    const methods = [RuntimeService, ImageService].flatMap((service) =>
      // Events have no fields, and no end.
      service.methods.filter(({ name }) => name !== "GetContainerEvents"),
    );

    test.each(methods.map((method) => [method.name, method] as const))(
      "%s is served or refused, and never fails",
      async (_name, method) => {
        const path = `/${method.parent.typeName}/${method.name}`;
        const mutations = [...mutationsOf(method.input)];
        // Each run of a slice would be the same otherwise: neighbours are much alike.
        const chosen = mutations.filter((_mutation, index) => (index * 7) % every === 0);
        const wrong: string[] = [];
        let next = 0;
        const worker = async (): Promise<void> => {
          while (next < chosen.length) {
            const mutation = chosen[next++];
            if (mutation === undefined) return;
            const outcome = await raw.call(path, mutation.encode(requestOf(method)));
            const { code, message } = outcome;
            if (!isServedOrRefused(outcome)) {
              wrong.push(`${mutation.name}: ${Code[code ?? 0]} ${message.slice(0, 300)}`);
            }
            await remove(method, outcome);
          }
        };
        await Promise.all(Array.from({ length: parallel }, worker));
        expect(wrong).toEqual([]);
        await until(async () => (await h.dockerIds()).length === 2);
      },
    );

    test("left no cgroup", async () => {
      const usual = new Set(await cgroupsOf(pod.podSandboxId));
      const left = [...cgroups].filter((cgroup) => !usual.has(cgroup));
      expect(left.flatMap(foldersOf)).toEqual([]);
    });

    test("wrote nothing outside, and no secret into its log", () => {
      for (const path of ["/tmp/dockershim-hostile", "/proc/self/dockershim-hostile"]) {
        expect(existsSync(path)).toBe(false);
      }
      // In other fields it is no secret.
      const ofImages = told.filter((line) => /Image/.test(JSON.parse(line).call ?? "Image"));
      expect(ofImages.filter((line) => line.includes("hostile-secret"))).toEqual([]);
    });
  });
}
