import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type Cni, createCni } from "../src/cni.js";
import { createLoopbackUp, isLoopbackUp } from "../src/loopback.js";
import { holdNetns } from "../src/netns.js";
import { parseNetworkConfig } from "../src/network-config.js";
import { attachmentIps } from "../src/result.js";
import { createNetworkLab, type NetworkLab, nothing } from "./network-lab.js";

let lab: NetworkLab;
let cni: Cni;

beforeEach(async () => {
  lab = await createNetworkLab();
  cni = createCni({ binDirs: [lab.binDir], cacheDir: lab.cacheDir });
});

afterEach(async () => {
  cni.close();
  await lab.remove();
});

const ipam = (members: object = {}) => ({
  type: "host-local",
  dataDir: lab.ipamDir,
  ranges: [[{ subnet: "10.213.0.0/24" }]],
  routes: [{ dst: "0.0.0.0/0" }],
  ...members,
});

const bridge = (members: object = {}) => ({
  type: "bridge",
  bridge: "cni0",
  isGateway: true,
  ipMasq: true,
  hairpinMode: true,
  ipam: ipam(),
  ...members,
});

const network = (plugins: object[], members: object = {}) =>
  parseNetworkConfig(JSON.stringify({ cniVersion: "1.0.0", name: "podnet", plugins, ...members }));

/** Everything that a pod may have. */
const fullChain = () =>
  network([
    bridge(),
    { type: "tuning", sysctl: { "net.core.somaxconn": "500" }, capabilities: { mac: true } },
    { type: "bandwidth", capabilities: { bandwidth: true } },
    { type: "firewall" },
    { type: "portmap", snat: true, capabilities: { portMappings: true } },
  ]);

const capabilityArgs = {
  mac: "02:11:22:33:44:55",
  bandwidth: {
    ingressRate: 100_000_000,
    ingressBurst: 2_147_483_647,
    egressRate: 200_000_000,
    egressBurst: 2_147_483_647,
  },
  portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
};

const pod = async (name: string, members: object = {}) => ({
  containerId: name,
  netns: await lab.addPod(name),
  ifName: "eth0",
  ...members,
});

describe("a chain of bridge, tuning, bandwidth, firewall and portmap", () => {
  test("connects a pod with all that was asked for, and leaves nothing behind", async () => {
    const attachment = await pod("web", { capabilityArgs });
    const result = await cni.add(fullChain(), attachment);
    const [ip] = attachmentIps(result, "eth0");
    expect(await lab.inPod("web", "ip", "-br", "address", "show", "eth0")).toContain(`${ip}/24`);
    expect(await lab.inPod("web", "ip", "link", "show", "eth0")).toContain(capabilityArgs.mac);
    expect(await lab.inPod("web", "sysctl", "-n", "net.core.somaxconn")).toBe("500\n");
    expect(await lab.onHost("tc", "qdisc")).toMatch(/tbf .* rate 100Mbit/);
    expect(await lab.onHost("iptables-save")).toContain(`--to-destination ${ip}:80`);

    await cni.del({ containerId: "web", ifName: "eth0", netns: attachment.netns });
    expect(await lab.remains()).toEqual(nothing);
    await expect(lab.inPod("web", "ip", "link", "show", "eth0")).rejects.toThrow("does not exist");
  });

  test("carries traffic from a port of the host to the pod", async () => {
    const attachment = await pod("web", { capabilityArgs });
    await cni.add(fullChain(), attachment);
    const script =
      'require("net").createServer((s) => s.end("hello")).listen(80, () => console.log("up"))';
    const server = spawn("nsenter", [`--net=${attachment.netns}`, process.execPath, "-e", script]);
    try {
      await once(server.stdout, "data");
      const client = 'require("net").connect(8080, "10.213.0.1").pipe(process.stdout)';
      expect(await lab.onHost(process.execPath, "-e", client)).toBe("hello");
    } finally {
      server.kill("SIGKILL");
    }
  });

  test("leaves nothing behind when the namespace went first", async () => {
    await cni.add(fullChain(), await pod("web", { capabilityArgs }));
    await lab.removePod("web");
    await cni.del({ containerId: "web", ifName: "eth0" });
    expect(await lab.remains()).toEqual(nothing);
  });

  test("leaves nothing behind when the namespace is held until DEL", async () => {
    const attachment = await pod("web", { capabilityArgs });
    const held = await holdNetns(attachment.netns);
    await cni.add(fullChain(), attachment);
    await lab.removePod("web");
    await cni.del({ containerId: "web", ifName: "eth0", netns: held.path });
    await held.release();
    expect(await lab.remains()).toEqual(nothing);
  });

  test("leaves nothing behind when its last plugin fails", async () => {
    await lab.installScript(
      "failing",
      '#!/bin/sh\nif [ "$CNI_COMMAND" = ADD ]; then echo \'{"code":7,"msg":"no"}\'; exit 1; fi\n',
    );
    const { plugins } = fullChain();
    const failing = network([...plugins.map(({ config }) => config), { type: "failing" }]);
    await expect(cni.add(failing, await pod("web", { capabilityArgs }))).rejects.toMatchObject({
      plugin: "failing",
      cniCode: 7,
      cleanupError: undefined,
    });
    expect(await lab.remains()).toEqual(nothing);
  });

  test("leaves nothing behind when it is given up at any moment", async () => {
    for (let waitMs = 0; waitMs < 400; waitMs += 40) {
      const name = `pod${waitMs}`;
      const adding = cni.add(fullChain(), await pod(name, { capabilityArgs }), {
        signal: AbortSignal.timeout(waitMs),
      });
      await adding.catch((error: unknown) => {
        expect(error).toMatchObject({ code: "aborted", cleanupError: undefined });
      });
      await cni.del({ containerId: name, ifName: "eth0" });
      await lab.removePod(name);
      expect(await lab.remains()).toEqual(nothing);
    }
  });

  test("is deleted again and again without an error", async () => {
    const chain = fullChain();
    const attachment = await pod("web", { capabilityArgs });
    await cni.add(chain, attachment);
    for (const netns of [attachment.netns, attachment.netns, ""]) {
      await cni.del({ containerId: "web", ifName: "eth0", netns }, { network: chain });
    }
    expect(await lab.remains()).toEqual(nothing);
  });

  test("is deleted without its cache file by today's network", async () => {
    const chain = fullChain();
    const attachment = await pod("web", { capabilityArgs });
    const other = createCni({ binDirs: [lab.binDir], cacheDir: `${lab.cacheDir}-lost` });
    await other.add(chain, attachment);
    other.close();
    const { netns } = attachment;
    await expect(
      cni.del({ containerId: "web", ifName: "eth0", netns }, { network: chain }),
    ).resolves.toBe("network");
    expect(await lab.remains()).toMatchObject({ addresses: [], links: [] });
  });

  test("is deleted by GC when it belongs to nothing", async () => {
    const kept = await pod("kept");
    const lost = await pod("lost", { capabilityArgs });
    await cni.add(fullChain(), kept);
    await cni.add(fullChain(), lost);
    await lab.removePod("lost");
    await expect(cni.gc([kept])).resolves.toMatchObject({ deleted: [{ containerId: "lost" }] });
    const remains = await lab.remains();
    expect(remains.cacheFiles).toEqual(["podnet-kept-eth0"]);
    expect(remains.addresses).toEqual(["10.213.0.2"]);
    expect(remains.rules.join("\n")).not.toContain("lost");
  });
});

describe("a runtime that is killed", () => {
  const runtime = fileURLToPath(new URL("killed-runtime.mjs", import.meta.url));

  test("at any moment of ADD leaves what the next one can delete", async () => {
    for (let waitMs = 0; waitMs < 400; waitMs += 40) {
      const attachment = await pod(`pod${waitMs}`, { capabilityArgs });
      await killDuring("add", fullChain().text, attachment, waitMs);
      await cni.gc([]);
      expect(await lab.remains()).toEqual(nothing);
      await lab.removePod(attachment.containerId);
    }
  });

  test("at any moment of DEL leaves what the next one can delete", async () => {
    for (let waitMs = 0; waitMs < 400; waitMs += 40) {
      const attachment = await pod(`pod${waitMs}`, { capabilityArgs });
      const { containerId, ifName, netns } = attachment;
      await cni.add(fullChain(), attachment);
      await killDuring("del", fullChain().text, attachment, waitMs);
      await cni.del({ containerId, ifName, netns });
      expect(await lab.remains()).toEqual(nothing);
      await lab.removePod(containerId);
    }
  });

  /** Runs an operation in a process of its own, which is killed after a while. */
  async function killDuring(
    operation: "add" | "del",
    config: string,
    attachment: object,
    waitMs: number,
  ): Promise<void> {
    const work = { operation, config, attachment, binDir: lab.binDir, cacheDir: lab.cacheDir };
    const child = spawn(process.execPath, [runtime, JSON.stringify(work)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    await once(child.stdout, "data");
    setTimeout(() => child.kill("SIGKILL"), waitMs);
    await ended;
  }
});

describe("20 pods in parallel", () => {
  test("get 20 addresses, and give all of them back", async () => {
    const chain = network([bridge(), { type: "portmap", capabilities: { portMappings: true } }]);
    const pods = await Promise.all(Array.from({ length: 20 }, (_, n) => pod(`pod${n}`)));
    const results = await Promise.all(pods.map((attachment) => cni.add(chain, attachment)));
    const ips = results.flatMap((result) => attachmentIps(result, "eth0"));
    expect(new Set(ips).size).toBe(20);
    const shown = await Promise.all(
      pods.map(({ containerId }) => lab.inPod(containerId, "ip", "-br", "address", "show", "eth0")),
    );
    for (const [n, text] of shown.entries()) expect(text).toContain(` ${ips[n]}/24 `);
    await Promise.all(pods.map(({ netns, ...id }) => cni.del({ ...id, netns })));
    expect(await lab.remains()).toEqual(nothing);
  });
});

describe("a single plugin", () => {
  test.each(["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0"])(
    "ptp is spoken to in version %s",
    async (cniVersion) => {
      const ptp = parseNetworkConfig(
        JSON.stringify({ cniVersion, name: "p2p", type: "ptp", ipMasq: true, ipam: ipam() }),
      );
      await expect(cni.validate(ptp)).resolves.toMatchObject({ cniVersion });
      const result = await cni.add(ptp, await pod("web"));
      expect(attachmentIps(result, "eth0")).toEqual(["10.213.0.2"]);
      const [cached] = await cni.cachedAttachments({ containerId: "web" });
      expect(cached?.result).toMatchObject({ cniVersion });
      if (cniVersion === "0.4.0" || cniVersion === "1.0.0") {
        await expect(cni.check({ containerId: "web", ifName: "eth0" })).resolves.toBe("checked");
        await lab.inPod("web", "ip", "link", "del", "eth0");
        await expect(cni.check({ containerId: "web", ifName: "eth0" })).rejects.toMatchObject({
          code: "plugin_failed",
          plugin: "ptp",
        });
      }
      await lab.removePod("web");
      await cni.del({ containerId: "web", ifName: "eth0" });
      expect(await lab.remains()).toEqual(nothing);
    },
  );

  test("macvlan makes an interface on a master", async () => {
    await lab.onHost("ip", "link", "add", "uplink0", "type", "veth", "peer", "name", "uplink1");
    await lab.onHost("ip", "link", "set", "uplink0", "up");
    const macvlan = network([{ type: "macvlan", master: "uplink0", ipam: ipam() }]);
    const attachment = await pod("web");
    const result = await cni.add(macvlan, attachment);
    expect(await lab.inPod("web", "ip", "-d", "link", "show", "eth0")).toContain("macvlan");
    expect(attachmentIps(result, "eth0")).toEqual(["10.213.0.2"]);
    await expect(cni.check({ containerId: "web", ifName: "eth0" })).resolves.toBe("checked");
    await cni.del({ containerId: "web", ifName: "eth0", netns: attachment.netns });
    expect(await lab.remains()).toEqual(nothing);
  });

  test("that meets an interface of the name reports it, and leaves that alone", async () => {
    const attachment = await pod("web");
    await lab.inPod("web", "ip", "link", "add", "eth0", "type", "veth", "peer", "name", "peer0");
    await expect(cni.add(network([bridge()]), attachment)).rejects.toMatchObject({
      code: "plugin_failed",
      plugin: "bridge",
      msg: expect.stringMatching(/already exists/),
    });
    expect(await lab.remains()).toEqual(nothing);
  });

  test("that has run out of addresses reports it", async () => {
    const tiny = network([bridge({ ipam: ipam({ ranges: [[{ subnet: "10.213.0.0/30" }]] }) })]);
    await cni.add(tiny, await pod("one"));
    await expect(cni.add(tiny, await pod("two"))).rejects.toMatchObject({
      plugin: "bridge",
      msg: expect.stringMatching(/no IP addresses available/),
    });
    expect((await lab.remains()).addresses).toEqual(["10.213.0.2"]);
  });
});

describe("dual stack", () => {
  test("gives an address of each family, also where Docker has disabled IPv6", async () => {
    const dual = network([
      bridge({
        ipam: ipam({
          ranges: undefined,
          routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
        }),
        capabilities: { ipRanges: true },
      }),
    ]);
    const attachment = await pod("web", {
      capabilityArgs: { ipRanges: [[{ subnet: "10.213.1.0/24" }], [{ subnet: "fd00:213::/64" }]] },
    });
    await lab.inPod("web", "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
    const result = await cni.add(dual, attachment);
    expect(attachmentIps(result, "eth0")).toEqual(["10.213.1.2", "fd00:213::2"]);
    expect(await lab.inPod("web", "ip", "-br", "address", "show", "eth0")).toContain(
      "fd00:213::2/64",
    );
    await lab.removePod("web");
    await cni.del({ containerId: "web", ifName: "eth0" });
    expect(await lab.remains()).toEqual(nothing);
  });
});

describe("the loopback interface", () => {
  test("is brought up, and found up without entering the namespace", async () => {
    const netns = await lab.addPod("web");
    const sleeper = spawn("nsenter", [`--net=${netns}`, "sleep", "1000"], { stdio: "ignore" });
    try {
      await once(sleeper, "spawn");
      const path = `/proc/${sleeper.pid}/ns/net`;
      // Until nsenter has changed over, the process is in our own namespace.
      const identify = ["ip", "netns", "identify", `${sleeper.pid}`];
      await until(async () => (await lab.inPod("web", ...identify)) !== "\n");
      expect(await isLoopbackUp(path)).toBe(false);
      expect(await isLoopbackUp(netns)).toBeUndefined();
      await createLoopbackUp()(netns);
      expect(await lab.inPod("web", "ip", "-br", "link", "show", "lo")).toContain("UP");
      expect(await isLoopbackUp(path)).toBe(true);
      await createLoopbackUp()(path);
    } finally {
      sleeper.kill("SIGKILL");
    }
  });

  test("of a namespace that is gone is an error", async () => {
    await expect(createLoopbackUp()("/run/netns/none")).rejects.toMatchObject({
      code: "loopback_failed",
    });
  });
});
