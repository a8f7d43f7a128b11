import { describe, expect, test } from "@jest/globals";
import { annotatedClasses, type NodeClasses, planContainer, wantsClass } from "../src/index.js";
import {
  type ContainerRest,
  containerConfig,
  containerInput,
  newest,
  sandboxConfig,
  thrown,
} from "./configs.js";

const blockIoKey = "blockio.resources.beta.kubernetes.io";
const rdtKey = "rdt.resources.beta.kubernetes.io";

const nodeClasses: NodeClasses = {
  blockIo: {
    classes: new Map([
      ["slow", [{ devices: ["/dev/sd*"], readBps: 1000 }]],
      ["fast", [{ weight: 400 }]],
    ]),
    devicesOf: new Map([["/dev/sd*", ["/dev/sda"]]]),
  },
  rdt: { classes: ["gold", "silver"] },
};

type Annotations = Record<string, string>;

/** A container's plan by its own annotations and its pod's. */
function plan(own: Annotations, ofPod: Annotations = {}, rest: ContainerRest = {}) {
  const input = containerInput(containerConfig({ annotations: own }), { nodeClasses, ...rest });
  Object.assign(input.sandboxConfig.annotations, ofPod);
  return planContainer(input);
}

const hooked = {
  engine: { ...newest, specHook: { runtime: "io.containerd.hook.v2", ociVersion: "1.2.0" } },
};

describe("the class that annotations name", () => {
  test.each<[string, Annotations, Annotations, string | undefined]>([
    ["none", {}, { other: "x" }, undefined],
    ["of the pod", {}, { [`${blockIoKey}/pod`]: "a" }, "a"],
    [
      "of the pod for this container, before the pod's for all",
      {},
      { [`${blockIoKey}/pod`]: "a", [`${blockIoKey}/container.nginx`]: "b" },
      "b",
    ],
    ["of the pod for another container", {}, { [`${blockIoKey}/container.other`]: "b" }, undefined],
    [
      "of the container, before its pod's",
      { "io.kubernetes.cri.blockio-class": "c" },
      { [`${blockIoKey}/container.nginx`]: "b" },
      "c",
    ],
  ])("%s", (_case, own, ofPod, name) => {
    const asked = annotatedClasses(
      containerConfig({ annotations: own }),
      sandboxConfig({ annotations: ofPod }),
    );
    expect(asked.blockIo?.name).toBe(name);
    expect(asked.rdt).toBeUndefined();
    expect(wantsClass(asked)).toBe(name !== undefined);
  });
});

test("a class of block I/O is Docker's options", () => {
  const { HostConfig } = plan({}, { [`${blockIoKey}/pod`]: "slow" }).body;
  expect(HostConfig.BlkioDeviceReadBps).toEqual([{ Path: "/dev/sda", Rate: 1000 }]);
  expect(HostConfig.Runtime).toBeUndefined();
});

test("a class of RDT is in the OCI spec, beside what else is", () => {
  const rest = { ...hooked, specPatch: { merge: { annotations: { a: "b" } } } };
  const { specPatch, body } = plan({}, { [`${rdtKey}/container.nginx`]: "silver" }, rest);
  expect(specPatch).toEqual({
    merge: { linux: { intelRdt: { closID: "silver" } }, annotations: { a: "b" } },
  });
  expect(body.HostConfig.Runtime).toBe("io.containerd.hook.v2");
});

test.each<[string, Annotations, ContainerRest, string, string]>([
  [
    "block I/O where there are no classes",
    { [`${blockIoKey}/pod`]: "slow" },
    { nodeClasses: { ...nodeClasses, blockIo: { problem: "no file" } } },
    "failed_precondition",
    `sandbox_config.annotations[${blockIoKey}/pod]: there are no block-I/O classes: no file`,
  ],
  [
    "an unknown class of block I/O",
    { [`${blockIoKey}/pod`]: "odd" },
    {},
    "failed_precondition",
    'the node has no block-I/O class "odd"; it has slow, fast',
  ],
  [
    "an unknown class of RDT",
    { [`${rdtKey}/pod`]: "tin" },
    hooked,
    "failed_precondition",
    'the node has no RDT class "tin"; it has gold, silver',
  ],
  [
    "RDT without the kernel's",
    { [`${rdtKey}/pod`]: "gold" },
    { nodeClasses: { ...nodeClasses, rdt: { problem: "resctrl is not mounted" } } },
    "failed_precondition",
    "the node has no RDT: resctrl is not mounted",
  ],
  [
    "RDT without the spec hook",
    { [`${rdtKey}/pod`]: "gold" },
    {},
    "unimplemented",
    "there is no spec hook",
  ],
])("%s is refused", (_case, annotations, rest, code, message) => {
  expect(thrown(() => plan({}, annotations, rest))).toMatchObject({
    code,
    message: expect.stringContaining(message),
  });
});
