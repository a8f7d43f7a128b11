import { describe, expect, test } from "@jest/globals";
import { convertResult } from "../src/result-convert.js";
import { type CniVersion, cniVersions } from "../src/version.js";

const dns = {
  nameservers: ["10.1.0.1"],
  domain: "yoyodyne.net",
  search: ["a.net"],
  options: ["x"],
};

const families = {
  ip4: {
    ip: "1.2.3.30/24",
    gateway: "1.2.3.1",
    routes: [{ dst: "15.5.6.0/24", gw: "15.5.6.8" }],
  },
  ip6: {
    ip: "abcd:1234:ffff::cdde/64",
    gateway: "abcd:1234:ffff::1",
    routes: [{ dst: "1111:dddd::/80", gw: "1111:dddd::aaaa" }],
  },
  dns,
};

const routes = [
  { dst: "15.5.6.0/24", gw: "15.5.6.8" },
  { dst: "1111:dddd::/80", gw: "1111:dddd::aaaa" },
];

const interfaces = [{ name: "eth0", mac: "00:11:22:33:44:55", sandbox: "/proc/3553/ns/net" }];

const lists = {
  interfaces,
  ips: [
    { address: "1.2.3.30/24", gateway: "1.2.3.1", interface: 0 },
    { address: "abcd:1234:ffff::cdde/64", gateway: "abcd:1234:ffff::1", interface: 0 },
  ],
  routes,
  dns,
};

const versionedLists = {
  ...lists,
  ips: lists.ips.map((ip, index) => ({ ...ip, version: index === 0 ? "4" : "6" })),
};

function example(version: CniVersion) {
  const index = cniVersions.indexOf(version);
  const shape = index < 2 ? families : index < 5 ? versionedLists : lists;
  return { cniVersion: version, ...shape };
}

/** What is left after a way through the shape of 0.2.0, which knows no interfaces. */
const withoutInterfaces = {
  ips: lists.ips.map(({ interface: _, ...ip }) => ip),
  routes,
  dns,
};

const pairs = cniVersions.flatMap((from) => cniVersions.map((to) => [from, to] as const));

test.each(pairs)("a result of %s converts to %s", (from, to) => {
  const converted = convertResult(example(from), to);
  const [source, target] = [cniVersions.indexOf(from), cniVersions.indexOf(to)];
  if (source < 2 && target >= 2) {
    const ips = withoutInterfaces.ips.map((ip, index) =>
      target < 5 ? { ...ip, version: index === 0 ? "4" : "6" } : ip,
    );
    expect(converted).toEqual({ cniVersion: to, ...withoutInterfaces, ips });
  } else {
    expect(converted).toEqual(example(to));
  }
});

describe("going down", () => {
  test("to 0.2.0 keeps the first address of each family", () => {
    const converted = convertResult(
      {
        cniVersion: "1.0.0",
        ips: [{ address: "10.0.0.2/24" }, { address: "10.0.0.3/24" }, { address: "fd00::2/64" }],
      },
      "0.2.0",
    );
    expect(converted).toEqual({
      cniVersion: "0.2.0",
      ip4: { ip: "10.0.0.2/24" },
      ip6: { ip: "fd00::2/64" },
    });
  });

  test("to 0.2.0 leaves out routes of a family without an address", () => {
    const converted = convertResult(
      { cniVersion: "0.4.0", ips: [{ version: "4", address: "10.0.0.2/24" }], routes },
      "0.2.0",
    );
    expect(converted).toEqual({
      cniVersion: "0.2.0",
      ip4: { ip: "10.0.0.2/24", routes: [{ dst: "15.5.6.0/24", gw: "15.5.6.8" }] },
    });
  });

  test("to 0.2.0 needs an address", () => {
    expect(() => convertResult({ cniVersion: "1.0.0", ips: [] }, "0.2.0")).toThrow(
      expect.objectContaining({ code: "invalid_result" }),
    );
  });

  test("below 1.0.0 drops what interfaces did not have", () => {
    const converted = convertResult(
      {
        cniVersion: "1.1.0",
        interfaces: [{ name: "eth0", mtu: 1400, socketPath: "/run/s", pciID: "0000:00:01.0" }],
      },
      "0.4.0",
    );
    expect(converted).toMatchObject({ cniVersion: "0.4.0", interfaces: [{ name: "eth0" }] });
    expect(converted.interfaces).toEqual([{ name: "eth0" }]);
  });
});

test("a result without a version is one of 0.1.0", () => {
  expect(convertResult({ ip4: { ip: "10.0.0.2/24" } }, "1.1.0")).toEqual({
    cniVersion: "1.1.0",
    ips: [{ address: "10.0.0.2/24" }],
    routes: [],
  });
});

test("members that nobody knows are kept where the shape stays", () => {
  const result = { cniVersion: "1.0.0", ips: [{ address: "10.0.0.2/24", vendor: 1 }], extra: true };
  expect(convertResult(result, "1.1.0")).toEqual({ ...result, cniVersion: "1.1.0" });
});

test("an unknown version is refused", () => {
  expect(() => convertResult({ cniVersion: "9.0.0" }, "1.0.0")).toThrow(
    expect.objectContaining({ code: "unsupported_version" }),
  );
});
