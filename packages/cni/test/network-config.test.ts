import { describe, expect, test } from "@jest/globals";
import { CniError } from "../src/errors.js";
import { parseNetworkConfig, withCniVersion } from "../src/network-config.js";

const list = (members: object) =>
  JSON.stringify({ cniVersion: "1.0.0", name: "net", plugins: [{ type: "bridge" }], ...members });

function errorOf(work: () => unknown): CniError {
  try {
    work();
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a configuration list", () => {
  test("keeps plugins in order, with members that are not ours", () => {
    const network = parseNetworkConfig(
      list({ plugins: [{ type: "bridge", mtu: 1400, ipam: { type: "x" } }, { type: "portmap" }] }),
    );
    expect(network.plugins.map(({ type }) => type)).toEqual(["bridge", "portmap"]);
    expect(network.plugins[0]?.config).toEqual({ type: "bridge", mtu: 1400, ipam: { type: "x" } });
    expect(network).toMatchObject({
      name: "net",
      cniVersion: "1.0.0",
      disableCheck: false,
      disableGC: false,
      loadOnlyInlinedPlugins: false,
    });
  });

  test("counts a capability only when it is true", () => {
    const network = parseNetworkConfig(
      list({ plugins: [{ type: "p", capabilities: { dns: true, mac: false } }] }),
    );
    expect([...(network.plugins[0]?.capabilities ?? [])]).toEqual(["dns"]);
  });

  test("takes booleans written as strings, as libcni does", () => {
    const network = parseNetworkConfig(list({ disableCheck: "True", disableGC: "false" }));
    expect(network).toMatchObject({ disableCheck: true, disableGC: false });
  });

  test("appends plugins from the network's folder, and carries them in its text", () => {
    const network = parseNetworkConfig(list({}), { extraPlugins: [{ type: "extra" }] });
    expect(network.plugins.map(({ type }) => type)).toEqual(["bridge", "extra"]);
    expect(parseNetworkConfig(network.text).plugins.map(({ type }) => type)).toEqual([
      "bridge",
      "extra",
    ]);
  });

  test("may have all its plugins in the folder", () => {
    const text = JSON.stringify({ cniVersion: "1.1.0", name: "net" });
    const network = parseNetworkConfig(text, { extraPlugins: [{ type: "extra" }] });
    expect(network.plugins.map(({ type }) => type)).toEqual(["extra"]);
  });

  test("ignores the folder with loadOnlyInlinedPlugins", () => {
    const network = parseNetworkConfig(list({ loadOnlyInlinedPlugins: true }), {
      extraPlugins: [{ type: "extra" }],
    });
    expect(network.plugins.map(({ type }) => type)).toEqual(["bridge"]);
  });
});

describe("a single plugin", () => {
  const text = JSON.stringify({ cniVersion: "0.3.1", name: "old", type: "ptp", ipam: {} });

  test("is a list of one", () => {
    const network = parseNetworkConfig(text, { extraPlugins: [{ type: "extra" }] });
    expect(network.plugins.map(({ type }) => type)).toEqual(["ptp"]);
    expect(network).toMatchObject({ name: "old", cniVersion: "0.3.1" });
  });

  test("is cached as a list, which libcni expects", () => {
    const cached = JSON.parse(parseNetworkConfig(text).text) as { plugins: object[] };
    expect(cached.plugins).toHaveLength(1);
    expect(parseNetworkConfig(JSON.stringify(cached)).name).toBe("old");
  });
});

describe("the version", () => {
  test.each([
    [{ cniVersion: undefined }, "0.1.0"],
    [{ cniVersion: "" }, "0.1.0"],
    [{ cniVersion: "0.3.0" }, "0.3.0"],
    [{ cniVersion: "0.4.0", cniVersions: ["1.0.0", "0.3.1"] }, "1.0.0"],
    [{ cniVersion: "1.1.0", cniVersions: ["0.3.1"] }, "1.1.0"],
    [{ cniVersion: undefined, cniVersions: ["0.4.0"] }, "0.4.0"],
    [{ cniVersion: "2.0.0", cniVersions: ["1.1.0", "2.1.0"] }, "1.1.0"],
  ])("of %j is %s", (members, expected) => {
    expect(parseNetworkConfig(list(members)).cniVersion).toBe(expected);
  });

  test("that was settled on is also the cached one", () => {
    const network = parseNetworkConfig(list({ cniVersions: ["1.1.0", "0.4.0"] }));
    const settled = withCniVersion(network, "0.4.0");
    expect(settled.cniVersion).toBe("0.4.0");
    expect(parseNetworkConfig(settled.text).cniVersion).toBe("0.4.0");
  });
});

describe("is refused", () => {
  test.each([
    ["text that is not JSON", "{", "invalid_config"],
    ["a JSON list", "[]", "invalid_config"],
    ["a missing name", list({ name: undefined }), "invalid_config"],
    ["an empty name", list({ name: "" }), "invalid_config"],
    ["a name that leads elsewhere", list({ name: "../net" }), "invalid_config"],
    ["a name that is no string", list({ name: 7 }), "invalid_config"],
    ["a version that is no string", list({ cniVersion: 1 }), "invalid_config"],
    ["an unknown version", list({ cniVersion: "0.5.0" }), "unsupported_version"],
    [
      "only unknown versions",
      list({ cniVersion: "2.0.0", cniVersions: ["3.0.0"] }),
      "unsupported_version",
    ],
    ["versions that are no list", list({ cniVersions: "1.0.0" }), "invalid_config"],
    ["no plugins", list({ plugins: [] }), "invalid_config"],
    ["plugins that are no list", list({ plugins: {} }), "invalid_config"],
    ["a plugin that is no object", list({ plugins: ["bridge"] }), "invalid_config"],
    ["a plugin without a type", list({ plugins: [{}] }), "invalid_config"],
    ["a type with a slash", list({ plugins: [{ type: "../sh" }] }), "invalid_config"],
    ["a type that is a folder", list({ plugins: [{ type: ".." }] }), "invalid_config"],
    [
      "capabilities that are no object",
      list({ plugins: [{ type: "p", capabilities: [] }] }),
      "invalid_config",
    ],
    ["a boolean that is none", list({ disableCheck: "maybe" }), "invalid_config"],
    ["a list without plugins and folder", JSON.stringify({ name: "net" }), "invalid_config"],
    [
      "loadOnlyInlinedPlugins without plugins",
      JSON.stringify({ name: "net", loadOnlyInlinedPlugins: true }),
      "invalid_config",
    ],
  ])("%s", (_, text, code) => {
    expect(errorOf(() => parseNetworkConfig(text)).code).toBe(code);
  });
});
