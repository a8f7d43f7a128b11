import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { pino } from "pino";
import { createCniNetwork } from "../src/network/cni-network.js";
import { defaultShimOptions } from "../src/options.js";

const dir = mkdtempSync(join(tmpdir(), "cni-network-"));
afterAll(() => rmSync(dir, { recursive: true }));

// As cri-dockerd 0.4 leaves them: the loopback network's, which has no address, under the name of the pod's interface.
const results: Readonly<Record<string, object>> = {
  bridge: {
    cniVersion: "1.0.0",
    interfaces: [
      { name: "cni0", mac: "2a:4b:4c:e9:c2:d9" },
      { name: "eth0", mac: "a6:f2:22:73:a7:06", sandbox: "/proc/1155/ns/net" },
    ],
    ips: [{ address: "10.88.0.3/16", gateway: "10.88.0.1", interface: 1 }],
    dns: {},
  },
  "cni-loopback": { cniVersion: "0.2.0", dns: {} },
};

test("a pod of cri-dockerd keeps its address, although its loopback interface was cached too", async () => {
  mkdirSync(join(dir, "cache/results"), { recursive: true });
  const containerId = "c".repeat(64);
  for (const [networkName, result] of Object.entries(results)) {
    const config = { cniVersion: "1.0.0", name: networkName, plugins: [{ type: networkName }] };
    const cached = {
      ...{ kind: "cniCacheV1", containerId, ifName: "eth0", networkName, result },
      config: Buffer.from(JSON.stringify(config)).toString("base64"),
    };
    const file = `${networkName}-${containerId}-eth0`;
    writeFileSync(join(dir, "cache/results", file), JSON.stringify(cached));
  }
  const options = {
    ...defaultShimOptions,
    ...{ cniCacheDir: join(dir, "cache"), cniConfDir: join(dir, "net.d") },
  };
  const network = await createCniNetwork(options, pino({ level: "silent" }));
  try {
    expect(network.addresses(containerId, 1155)).toEqual(["10.88.0.3"]);
  } finally {
    await network.close();
  }
});
