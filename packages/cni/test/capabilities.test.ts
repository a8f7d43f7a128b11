import { describe, expect, test } from "@jest/globals";
import { formatCniArgs, validateAttachmentId } from "../src/attachment.js";
import { bandwidthFromAnnotations } from "../src/bandwidth.js";
import {
  dnsCapability,
  findHostPortConflict,
  ipRangesCapability,
  portMappingsCapability,
} from "../src/capabilities.js";
import { k8sArgs } from "../src/k8s-args.js";

const refused = expect.objectContaining({ code: "invalid_argument" });

describe("port mappings", () => {
  test("are only those with a host port, in lower case", () => {
    expect(
      portMappingsCapability([
        { hostPort: 8080, containerPort: 80, protocol: "TCP" },
        { hostPort: 0, containerPort: 81 },
        { containerPort: 82 },
        { hostPort: 5353, containerPort: 53, protocol: "UDP", hostIp: "127.0.0.1" },
        { hostPort: 9, containerPort: 9, protocol: "SCTP", hostIp: "::1" },
      ]),
    ).toEqual([
      { hostPort: 8080, containerPort: 80, protocol: "tcp" },
      { hostPort: 5353, containerPort: 53, protocol: "udp", hostIP: "127.0.0.1" },
      { hostPort: 9, containerPort: 9, protocol: "sctp", hostIP: "::1" },
    ]);
  });

  test("are undefined when no host port is asked for", () => {
    expect(portMappingsCapability([{ containerPort: 80 }])).toBeUndefined();
  });

  test.each([
    { hostPort: 70_000, containerPort: 80 },
    { hostPort: 80, containerPort: 0 },
    { hostPort: -1, containerPort: 80 },
    { hostPort: 80, containerPort: 80, protocol: "icmp" },
    { hostPort: 80, containerPort: 80, hostIp: "localhost" },
  ])("refuse %j", (mapping) => {
    expect(() => portMappingsCapability([mapping])).toThrow(refused);
  });
});

describe("a host port", () => {
  const taken = (mapping: object) => [
    { containerId: "other", capabilityArgs: { portMappings: [mapping] } },
  ];
  const wanted = (members = {}) => [
    { hostPort: 80, containerPort: 8080, protocol: "tcp", ...members },
  ];

  test.each([
    ["the same port", {}, {}],
    ["all addresses against one", {}, { hostIP: "10.0.0.1" }],
    ["one address against all", { hostIP: "10.0.0.1" }, {}],
    ["the address 0.0.0.0", { hostIP: "10.0.0.1" }, { hostIP: "0.0.0.0" }],
    ["the same address", { hostIP: "fd00::1" }, { hostIP: "fd00::1" }],
    ["a protocol in capitals", {}, { protocol: "TCP" }],
  ])("is taken by %s", (_, mine, theirs) => {
    const other = { hostPort: 80, protocol: "tcp", ...theirs };
    expect(findHostPortConflict(wanted(mine), taken(other))).toMatchObject({
      containerId: "other",
    });
  });

  test.each([
    ["another port", {}, { hostPort: 81 }],
    ["another protocol", {}, { protocol: "udp" }],
    ["another address", { hostIP: "10.0.0.1" }, { hostIP: "10.0.0.2" }],
    ["another family", { hostIP: "10.0.0.1" }, { hostIP: "::" }],
  ])("is free beside %s", (_, mine, theirs) => {
    const other = { hostPort: 80, protocol: "tcp", ...theirs };
    expect(findHostPortConflict(wanted(mine), taken(other))).toBeUndefined();
  });

  test("cannot be wanted twice", () => {
    expect(findHostPortConflict([...wanted(), ...wanted()], [])).toMatchObject({
      containerId: undefined,
      wanted: { hostPort: 80 },
    });
  });
});

describe("bandwidth", () => {
  test.each([
    ["10M", 10_000_000],
    ["1k", 1_000],
    ["1Ki", 1_024],
    ["1.5Gi", 1_610_612_736],
    ["2e6", 2_000_000],
    ["2E6", 2_000_000],
    ["1500000m", 1_500],
    ["1000.5", 1_001],
    ["1P", 1e15],
  ])("%s is %d bits per second", (quantity, rate) => {
    expect(bandwidthFromAnnotations({ "kubernetes.io/ingress-bandwidth": quantity })).toEqual({
      ingressRate: rate,
      ingressBurst: 2_147_483_647,
    });
  });

  test("has both directions and the burst asked for", () => {
    const annotations = {
      "kubernetes.io/ingress-bandwidth": "1M",
      "kubernetes.io/egress-bandwidth": "2M",
    };
    expect(bandwidthFromAnnotations(annotations, 4_096)).toEqual({
      ingressRate: 1_000_000,
      ingressBurst: 4_096,
      egressRate: 2_000_000,
      egressBurst: 4_096,
    });
  });

  test("is undefined without the annotations", () => {
    expect(bandwidthFromAnnotations({ other: "1M" })).toBeUndefined();
  });

  test.each(["", "M", "10 M", "10MB", "-1M", "999", "2P", "1e", "0x10"])(
    "refuses %j",
    (quantity) => {
      expect(() =>
        bandwidthFromAnnotations({ "kubernetes.io/egress-bandwidth": quantity }),
      ).toThrow(refused);
    },
  );
});

describe("other capabilities", () => {
  test("dns leaves out what is empty", () => {
    expect(dnsCapability({ servers: ["10.96.0.10"], searches: [], options: ["ndots:5"] })).toEqual({
      servers: ["10.96.0.10"],
      options: ["ndots:5"],
    });
    expect(dnsCapability({})).toBeUndefined();
  });

  test("ipRanges has one range for each pod CIDR", () => {
    expect(ipRangesCapability("10.1.0.0/24, fd00:1::/64")).toEqual([
      [{ subnet: "10.1.0.0/24" }],
      [{ subnet: "fd00:1::/64" }],
    ]);
    expect(ipRangesCapability("")).toBeUndefined();
    expect(() => ipRangesCapability("10.1.0.0")).toThrow(refused);
  });
});

describe("CNI_ARGS", () => {
  test("are those of Kubernetes", () => {
    const args = k8sArgs({ namespace: "ns", name: "web", uid: "u-1", infraContainerId: "abc" });
    expect(formatCniArgs(args)).toBe(
      "IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=abc;K8S_POD_UID=u-1",
    );
  });

  test.each([[["A", "x;B=y"]], [["A=B", "x"]], [["A", "x=y"]], [["", "x"]]] as const)(
    "refuse what plugins would read differently: %j",
    (pair) => {
      expect(() => formatCniArgs([pair])).toThrow(refused);
    },
  );
});

test.each([
  { containerId: "", ifName: "eth0" },
  { containerId: "-a", ifName: "eth0" },
  { containerId: "a/b", ifName: "eth0" },
  { containerId: "a", ifName: "" },
  { containerId: "a", ifName: ".." },
  { containerId: "a", ifName: "eth0:1" },
  { containerId: "a", ifName: "eth 0" },
  { containerId: "a", ifName: "abcdefghijklmnop" },
])("the attachment %j is refused", (id) => {
  expect(() => validateAttachmentId(id)).toThrow(refused);
});
