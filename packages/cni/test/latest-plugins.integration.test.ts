import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type Cni, createCni } from "../src/cni.js";
import { type Network, parseNetworkConfig } from "../src/network-config.js";
import { createNetworkLab, type NetworkLab, nothing } from "./network-lab.js";

/** Plugins that speak 1.1.0: see `build-latest-plugins.sh`. */
const latestDir = process.env.CNI_LATEST_BIN_DIR;

(latestDir === undefined ? describe.skip : describe)("plugins that speak 1.1.0", () => {
  let lab: NetworkLab;
  let cni: Cni;
  let network: Network;

  beforeEach(async () => {
    lab = await createNetworkLab(latestDir);
    cni = createCni({ binDirs: [lab.binDir], cacheDir: lab.cacheDir });
    network = parseNetworkConfig(
      JSON.stringify({
        cniVersion: "0.4.0",
        cniVersions: ["1.0.0", "1.1.0"],
        name: "podnet",
        plugins: [
          {
            type: "bridge",
            bridge: "cni0",
            isGateway: true,
            ipMasq: true,
            ipam: {
              type: "host-local",
              dataDir: lab.ipamDir,
              ranges: [[{ subnet: "10.213.0.0/24" }], [{ subnet: "fd00:213::/64" }]],
              routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
            },
          },
          { type: "tuning", capabilities: { mac: true } },
          { type: "bandwidth", capabilities: { bandwidth: true } },
          { type: "firewall" },
          { type: "portmap", snat: true, capabilities: { portMappings: true } },
        ],
      }),
    );
  });

  afterEach(async () => {
    cni.close();
    await lab.remove();
  });

  const pod = async (name: string, hostPort = 8080) => ({
    containerId: name,
    netns: await lab.addPod(name),
    ifName: "eth0",
    capabilityArgs: {
      mac: "02:11:22:33:44:55",
      bandwidth: { ingressRate: 10_000_000, ingressBurst: 2_147_483_647 },
      portMappings: [{ hostPort, containerPort: 80, protocol: "tcp" }],
    },
  });

  test("are spoken to in it, through ADD, CHECK, STATUS and DEL", async () => {
    const settled = await cni.validate(network);
    expect(settled.cniVersion).toBe("1.1.0");
    await cni.status(settled);
    const attachment = await pod("web");
    const result = await cni.add(settled, attachment);
    expect(result.ips.map(({ address }) => address)).toEqual(["10.213.0.2/24", "fd00:213::2/64"]);
    await expect(cni.check({ containerId: "web", ifName: "eth0" })).resolves.toBe("checked");
    await cni.del({ containerId: "web", ifName: "eth0", netns: attachment.netns });
    expect(await lab.remains()).toEqual(nothing);
  });

  test("leave nothing behind when the namespace went first", async () => {
    await cni.add(await cni.validate(network), await pod("web"));
    await lab.removePod("web");
    await cni.del({ containerId: "web", ifName: "eth0" });
    expect(await lab.remains()).toEqual(nothing);
  });

  test("take GC, which deletes by the cache what belongs to nothing", async () => {
    const settled = await cni.validate(network);
    const kept = await pod("kept");
    await cni.add(settled, await pod("lost", 8081));
    await cni.add(settled, kept);
    await lab.removePod("lost");
    await expect(cni.gc([kept], { networks: [settled] })).resolves.toEqual({
      deleted: [{ containerId: "lost", ifName: "eth0" }],
      collected: ["podnet"],
    });
    expect((await lab.remains()).addresses.toSorted()).toEqual(["10.213.0.3", "fd00:213::3"]);
  });
});
