import { isIP } from "node:net";
import { join } from "node:path";
import { brokenJson, fuzz, jsonWords } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { CniError } from "../src/errors.js";
import { parseNetworkConfig, withCniVersion } from "../src/network-config.js";
import { attachmentAddresses, attachmentIps, parseResult, toCniResult } from "../src/result.js";
import { type CniVersion, cniVersions } from "../src/version.js";

const corpus = (name: string): string => join(import.meta.dirname, "corpus", name);
const version = fc.constantFrom(...cniVersions);

/** What a reader returns; undefined when it refused with one of these codes. */
function readOrRefused<T>(read: () => T, codes: readonly string[]): T | undefined {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(CniError);
    expect(codes).toContain((error as CniError).code);
    return undefined;
  }
}

const plugin = fc.record(
  {
    type: fc.constantFrom("bridge", "portmap", "x.y-z"),
    capabilities: fc.dictionary(fc.constantFrom("portMappings", "dns"), fc.boolean()),
    ipam: fc.record({ type: fc.constant("host-local"), subnet: fc.constant("10.1.0.0/24") }),
  },
  { requiredKeys: ["type"] },
);
const list = fc.record(
  {
    cniVersion: version,
    cniVersions: fc.array(version, { maxLength: 3 }),
    name: fc.constantFrom("net", "a.b_c-d"),
    disableCheck: fc.constantFrom(true, "True", "false"),
    disableGC: fc.boolean(),
    loadOnlyInlinedPlugins: fc.boolean(),
    plugins: fc.array(plugin, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ["name", "plugins"] },
);
const single = fc.record({ cniVersion: version, name: fc.constant("old"), type: fc.constant("p") });

test("a network's configuration is refused for its content, or stands alone as text", async () => {
  await fuzz({
    corpus: corpus("network-config"),
    inputs: brokenJson(fc.oneof(list, single)),
    words: [...jsonWords, '"type":"../x"', '"plugins":null', '"cniVersion":"1.1.0"'],
    check(bytes) {
      const text = bytes.toString();
      const codes = ["invalid_config", "unsupported_version"];
      const network = readOrRefused(() => parseNetworkConfig(text), codes);
      if (network === undefined) return;
      // Its name and its plugins' types become names of files.
      expect(network.name).toMatch(/^[A-Za-z0-9][\w.-]*$/);
      for (const { type } of network.plugins) expect(type).not.toMatch(/^\.{0,2}$|[/\\\0]/);
      // DEL is called with what was cached of it.
      const again = parseNetworkConfig(network.text);
      expect({ ...again, text: "" }).toEqual({ ...network, text: "" });
      expect(withCniVersion(again, "0.4.0").plugins).toEqual(network.plugins);
      expect(parseNetworkConfig(withCniVersion(again, "0.4.0").text).cniVersion).toBe("0.4.0");
    },
  });
});

const cidr = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, length]) => `${address}/${length}`),
  fc.tuple(fc.ipV6(), fc.nat(128)).map(([address, length]) => `${address}/${length}`),
);
const result = fc.record(
  {
    cniVersion: version,
    interfaces: fc.constant([{ name: "cni0" }, { name: "eth0", sandbox: "/ns", mtu: 1400 }]),
    ips: fc.array(
      fc.record(
        { address: cidr, interface: fc.constantFrom(0, 1), version: fc.constantFrom("4", "6") },
        { requiredKeys: ["address"] },
      ),
      { maxLength: 4 },
    ),
    ip4: fc.record({ ip: cidr, gateway: fc.ipV4() }),
    ip6: fc.record({ ip: cidr }),
    routes: fc.array(fc.record({ dst: cidr }), { maxLength: 2 }),
    dns: fc.record({ nameservers: fc.array(fc.ipV4(), { maxLength: 2 }) }),
  },
  { requiredKeys: [] },
);

/** Specifications that have the same shape of result, and so keep each address. */
const lists: readonly CniVersion[] = ["0.3.0", "0.4.0", "1.0.0", "1.1.0"];

test("what a plugin prints for ADD is refused, or has the same addresses in each version", async () => {
  await fuzz({
    corpus: corpus("plugin-result"),
    inputs: brokenJson(result),
    words: [...jsonWords, '"address":"::/0"', '"interface":-1', '"ips":null', "1.2.3.4/33"],
    check(bytes) {
      const printed = bytes.toString();
      for (const spoken of cniVersions) {
        const codes = ["invalid_result", "unsupported_version"];
        const read = readOrRefused(() => parseResult(printed, spoken), codes);
        if (read === undefined) continue;
        expect(read.cniVersion).toBe(spoken);
        // It becomes the next plugin's prevResult, and what is cached.
        const cached = JSON.stringify(read);
        const { ips, interfaces, routes } = toCniResult(JSON.parse(cached));
        for (const { name } of interfaces) expect(typeof name).toBe("string");
        for (const { dst } of routes) expect(typeof dst).toBe("string");
        for (const { interface: index } of ips) {
          if (typeof index === "number") expect(interfaces[index]).toBeDefined();
        }
        for (const prefer of ["first", "ipv4", "ipv6"] as const) {
          const all = attachmentIps(toCniResult(read), "eth0", prefer);
          for (const address of all) expect(isIP(address)).not.toBe(0);
        }
        if (!lists.includes(spoken)) continue;
        for (const other of lists) {
          const addresses = attachmentAddresses(toCniResult(parseResult(cached, other)), "eth0");
          expect(addresses).toEqual(attachmentAddresses(toCniResult(read), "eth0"));
        }
      }
    },
  });
});
