import { describe, expect, test } from "@jest/globals";
import { parseBaseUrl, parseBindAddress, urlHost } from "../src/server-address.js";

const invalid = expect.objectContaining({ code: "invalid_argument" });

describe("parseBindAddress", () => {
  test.each([
    ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
    ["[::1]:10010", { host: "::1", port: 10_010 }],
    ["localhost:65535", { host: "localhost", port: 65_535 }],
  ])("reads %s", (address, expected) => {
    expect(parseBindAddress(address)).toEqual(expected);
  });

  test.each(["", ":0", "127.0.0.1", "::1:80", "127.0.0.1:65536", "127.0.0.1:x", "[]:1"])(
    "refuses %p",
    (address) => {
      expect(() => parseBindAddress(address)).toThrow(invalid);
    },
  );
});

describe("parseBaseUrl", () => {
  test.each([
    ["http://node1:0", "http://node1:4321", ""],
    ["https://node1.example:10010/", "https://node1.example:10010", ""],
    ["http://[::1]:0/cri//", "http://[::1]:4321/cri", "/cri"],
    ["https://node1/a/b", "https://node1/a/b", "/a/b"],
  ])("reads %s", (text, url, path) => {
    const base = parseBaseUrl(text);
    expect(base.withPort(4321)).toBe(url);
    expect(base.path).toBe(path);
  });

  test.each(["//[::]:80/cri", "node1:80", "unix:///run/x.sock", ""])("refuses %p", (text) => {
    expect(() => parseBaseUrl(text)).toThrow(invalid);
  });
});

describe("urlHost", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["0.0.0.0", "127.0.0.1"],
    ["::", "[::1]"],
    ["fd00::1", "[fd00::1]"],
    ["node1", "node1"],
  ])("turns %s into %s", (host, expected) => {
    expect(urlHost(host)).toBe(expected);
  });
});
