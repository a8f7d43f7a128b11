import { create } from "@bufbuild/protobuf";
import { DNSConfigSchema } from "@dockershim/cri-types";
import { expect, test } from "@jest/globals";
import { resolvConf } from "../src/network/resolv-conf.js";

test("resolv.conf holds the searches, servers and options of the pod, and nothing else", () => {
  const dns = create(DNSConfigSchema, {
    servers: ["10.0.0.10", "fd00::a"],
    searches: ["ns.svc.cluster.local", "svc.cluster.local"],
    options: ["ndots:5", "edns0"],
  });
  expect(resolvConf(dns)).toBe(
    "search ns.svc.cluster.local svc.cluster.local\n" +
      "nameserver 10.0.0.10\nnameserver fd00::a\noptions ndots:5 edns0\n",
  );
});

test("lists that are empty have no line", () => {
  expect(resolvConf(create(DNSConfigSchema, { servers: ["1.1.1.1"] }))).toBe(
    "nameserver 1.1.1.1\n",
  );
});
