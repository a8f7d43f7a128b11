import { describe, expect, test } from "@jest/globals";
import { attachmentIps, parseResult, toCniResult } from "../src/result.js";

describe("a plugin's output", () => {
  test("without a version is in the one that was spoken", () => {
    expect(parseResult('{"ips":[{"version":"4","address":"10.0.0.2/24"}]}', "0.4.0")).toEqual({
      cniVersion: "0.4.0",
      ips: [{ version: "4", address: "10.0.0.2/24" }],
    });
  });

  test("in another version is converted to the one that was spoken", () => {
    expect(parseResult('{"cniVersion":"1.0.0","ips":[{"address":"fd00::2/64"}]}', "0.3.1")).toEqual(
      {
        cniVersion: "0.3.1",
        ips: [{ version: "6", address: "fd00::2/64" }],
      },
    );
  });

  test("may be null", () => {
    expect(parseResult("null", "1.0.0")).toEqual({ cniVersion: "1.0.0" });
  });

  test.each([
    ["nothing", ""],
    ["text", "hello"],
    ["a list", "[]"],
    ["a version that is no string", '{"cniVersion":1}'],
    ["addresses that are no list", '{"ips":{}}'],
    ["an address that is no object", '{"ips":["10.0.0.2/24"]}'],
    ["an address without prefix length", '{"ips":[{"address":"10.0.0.2"}]}'],
    ["an address out of range", '{"ips":[{"address":"10.0.0.2/33"}]}'],
    ["an address of no interface", '{"ips":[{"address":"10.0.0.2/24","interface":0}]}'],
    ["an interface without a name", '{"interfaces":[{"mac":"x"}]}'],
    ["a route to nowhere", '{"routes":[{"dst":"default"}]}'],
  ])("that is %s is refused", (_, stdout) => {
    expect(() => parseResult(stdout, "1.0.0")).toThrow(
      expect.objectContaining({ code: "invalid_result" }),
    );
  });
});

test("a result has empty lists for what a plugin left out", () => {
  expect(toCniResult({ cniVersion: "0.4.0" })).toEqual({
    cniVersion: "1.1.0",
    interfaces: [],
    ips: [],
    routes: [],
    dns: {},
  });
});

describe("the addresses of an attachment", () => {
  const result = toCniResult({
    cniVersion: "1.0.0",
    interfaces: [
      { name: "cni0" },
      { name: "eth0", sandbox: "/ns" },
      { name: "net1", sandbox: "/ns" },
    ],
    ips: [
      { address: "10.9.9.1/24", interface: 0 },
      { address: "fd00::5/64", interface: 1 },
      { address: "10.1.0.5/16", interface: 1 },
      { address: "10.2.0.5/16", interface: 2 },
      { address: "10.3.0.5/16" },
    ],
  });

  test.each([
    ["ipv4", ["10.1.0.5", "fd00::5", "10.3.0.5"]],
    ["ipv6", ["fd00::5", "10.1.0.5", "10.3.0.5"]],
    ["first", ["fd00::5", "10.1.0.5", "10.3.0.5"]],
  ] as const)(
    "begin with the preferred one (%s) and leave out other interfaces",
    (preference, ips) => {
      expect(attachmentIps(result, "eth0", preference)).toEqual(ips);
    },
  );

  test("are all, when the plugin lists only the host's end", () => {
    const calico = toCniResult({
      cniVersion: "0.3.1",
      interfaces: [{ name: "cali1" }],
      ips: [{ version: "4", address: "192.168.0.9/32", interface: 0 }],
    });
    expect(attachmentIps(calico, "eth0")).toEqual(["192.168.0.9"]);
  });

  test("are none when there are none", () => {
    expect(attachmentIps(toCniResult({ cniVersion: "1.0.0" }), "eth0")).toEqual([]);
  });
});
