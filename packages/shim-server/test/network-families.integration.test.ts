import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NamespaceMode, Protocol } from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

const id = process.pid % 100_000;
const bridge = `dsfam${id}`;
const third = id % 256;

describe("pods on two families, with ranges from the kubelet", () => {
  let h: Harness;
  beforeAll(async () => {
    h = await createHarness();
    const cniConfDir = join(h.dir, "families");
    mkdirSync(cniConfDir);
    const list = {
      cniVersion: "1.0.0",
      name: bridge,
      plugins: [
        {
          type: "bridge",
          bridge,
          isGateway: true,
          capabilities: { ipRanges: true },
          ipam: { type: "host-local", dataDir: join(h.dir, "ipam") },
        },
        { type: "portmap", capabilities: { portMappings: true } },
      ],
    };
    writeFileSync(join(cniConfDir, "10.conflist"), JSON.stringify(list));
    await h.restart({ cniConfDir });
    await h.cri.runtime.updateRuntimeConfig({
      runtimeConfig: { networkConfig: { podCidr: `10.214.${third}.0/24,fd00:d5:${third}::/64` } },
    });
  });
  afterAll(async () => {
    await h.close();
    execFileSync("ip", ["link", "delete", bridge]);
  });

  async function exec(containerId: string, ...cmd: string[]): Promise<string> {
    const { stdout } = await h.cri.runtime.execSync({ containerId, cmd, timeout: 10n });
    return new TextDecoder().decode(stdout);
  }

  test("a pod has an address of each family, IPv4 first, out of the kubelet's ranges", async () => {
    const { podSandboxId, containerId } = await h.runPod();
    const { status } = await h.cri.runtime.podSandboxStatus({ podSandboxId });
    expect(status?.network?.ip).toMatch(new RegExp(`^10\\.214\\.${third}\\.`));
    expect(status?.network?.additionalIps.map(({ ip }) => ip)).toEqual([
      expect.stringMatching(new RegExp(`^fd00:d5:${third}::`)),
    ]);
    const addresses = await exec(containerId, "ip", "addr", "show", "eth0");
    expect(addresses).toContain(`${status?.network?.ip}/24`);
    expect(addresses).toContain(`${status?.network?.additionalIps[0]?.ip}/64`);
  });

  test("a UDP host port on one of the node's addresses leads into the pod, on others nowhere", async () => {
    const hostPort = 30_000 + (process.pid % 10_000);
    const portMappings = [
      { protocol: Protocol.UDP, containerPort: 53, hostPort, hostIp: "127.0.0.1" },
    ];
    const pod = await h.runPod({ ...h.sandboxConfig(), portMappings });
    const rules = () => execFileSync("iptables-save", ["-t", "nat"]).toString();
    const mine = rules()
      .split("\n")
      .filter((rule) => rule.includes(`--dport ${hostPort}`) && rule.includes("DNAT"));
    expect(mine).toHaveLength(1);
    expect(mine[0]).toContain("-d 127.0.0.1/32");
    expect(mine[0]).toContain("-p udp");
    const { podSandboxId } = pod;
    await h.cri.runtime.removePodSandbox({ podSandboxId });
    expect(rules()).not.toContain(`--dport ${hostPort}`);
  });

  test("every container of a pod has the pod's resolv.conf, the node's network or not", async () => {
    const dnsConfig = { servers: ["10.96.0.10"], searches: ["x.svc"], options: ["ndots:5"] };
    const expected = "search x.svc\nnameserver 10.96.0.10\noptions ndots:5\n";
    for (const network of [NamespaceMode.POD, NamespaceMode.NODE]) {
      const config = {
        ...h.sandboxConfig(),
        dnsConfig,
        linux: { securityContext: { namespaceOptions: { network } } },
      };
      const { podSandboxId, containerId } = await h.runPod(config);
      const second = await h.cri.runtime.createContainer({
        podSandboxId,
        sandboxConfig: config,
        config: h.containerConfig({ metadata: { name: "second", attempt: 0 } }),
      });
      await h.cri.runtime.startContainer({ containerId: second.containerId });
      for (const container of [containerId, second.containerId]) {
        expect(await exec(container, "cat", "/etc/resolv.conf")).toBe(expected);
      }
    }
  });

  test("sysctls of the pod are in force in its network", async () => {
    const { containerId } = await h.runPod({
      ...h.sandboxConfig(),
      linux: { sysctls: { "net.ipv4.ip_local_port_range": "20000 30000" } },
    });
    const value = await exec(containerId, "cat", "/proc/sys/net/ipv4/ip_local_port_range");
    expect(value.trim().split(/\s+/)).toEqual(["20000", "30000"]);
  });

  test("a sandbox whose network namespace is gone is still taken down and its address freed", async () => {
    const { podSandboxId } = await h.runPod();
    const { status } = await h.cri.runtime.podSandboxStatus({ podSandboxId });
    await h.docker.containers.kill(podSandboxId);
    await until(async () => {
      const now = await h.cri.runtime.podSandboxStatus({ podSandboxId });
      return now.status?.state !== status?.state;
    });
    await h.cri.runtime.stopPodSandbox({ podSandboxId });
    const leases = execFileSync("ls", [join(h.dir, "ipam", bridge)]).toString();
    expect(leases).not.toContain(`${status?.network?.ip}\n`);
  });
});
