import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readNetwork } from "../src/network.js";
import { fixedClock, temporaryDirectory } from "./recorded.js";

/** Formats as in proc_pid_net(5). */
const heading = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0
`;
const eth0 =
  "  eth0:     1000      10    1    2    0     0          0         0     2000      20    3    4    0     0       0          0\n";
const net1 = "  net1:18446744073709551615 5 0 0 0 0 0 0 6 7 0 0 0 0 0 0\n";

const routeHeading =
  "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

let procRoot: string;

function write(files: Record<string, string>): void {
  fs.mkdirSync(path.join(procRoot, "7/net"), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    fs.writeFileSync(path.join(procRoot, "7/net", name), text);
  }
}

function names(defaultInterface?: string): [string | undefined, string[]] {
  const options = defaultInterface === undefined ? {} : { defaultInterface };
  const network = readNetwork(procRoot, 7, options, fixedClock);
  return [network?.defaultInterface?.name, (network?.interfaces ?? []).map(({ name }) => name)];
}

beforeEach(() => {
  procRoot = temporaryDirectory();
});
afterEach(() => fs.rmSync(procRoot, { recursive: true }));

test("counters are by direction, loopback is left out", () => {
  write({ dev: heading + eth0 });
  expect(readNetwork(procRoot, 7, {}, fixedClock)).toEqual({
    timestampNs: 1_700_000_000_000_000_000n,
    defaultInterface: {
      name: "eth0",
      rxBytes: 1000n,
      rxPackets: 10n,
      rxErrors: 1n,
      rxDropped: 2n,
      txBytes: 2000n,
      txPackets: 20n,
      txErrors: 3n,
      txDropped: 4n,
    },
    interfaces: [],
  });
});

test("the default route with the least metric names the default interface", () => {
  write({
    dev: heading + eth0 + net1,
    route: `${routeHeading}eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0
net1\t0000FEA9\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
net1\t00000000\t0200000A\t0003\t0\t0\t50\t00000000\t0\t0\t0
`,
  });
  expect(names()).toEqual(["net1", ["eth0"]]);
});

test("without an IPv4 route the IPv6 default decides, not the kernel's unreachable one", () => {
  const zero = "0".repeat(32);
  write({
    dev: heading + eth0 + net1,
    route: routeHeading,
    ipv6_route: `${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo
${zero} 00 ${zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     net1
`,
  });
  expect(names()).toEqual(["net1", ["eth0"]]);
});

test("the interface that was asked for goes before routes, if it is there", () => {
  write({
    dev: heading + eth0 + net1,
    route: `${routeHeading}eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n`,
  });
  expect(names("net1")).toEqual(["net1", ["eth0"]]);
  expect(names("net2")).toEqual(["eth0", ["net1"]]);
});

test("without any route it is eth0, and without that the first", () => {
  write({ dev: heading + net1 + eth0 });
  expect(names()).toEqual(["eth0", ["net1"]]);
  write({ dev: heading + net1 });
  expect(names()).toEqual(["net1", []]);
});

test("a process that ended has no network", () => {
  expect(readNetwork(procRoot, 7, {}, fixedClock)).toBeUndefined();
});
