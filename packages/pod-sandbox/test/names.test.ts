import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  containerName,
  parseContainerName,
  parseSandboxName,
  sandboxName,
  withoutSuffix,
  withSuffix,
} from "../src/index.js";

const part = fc.stringMatching(/^[A-Za-z0-9.-]{1,40}$/);
const attempt = fc.integer({ min: 0, max: 0xffff_ffff });
const pod = fc.record({ name: part, namespace: part, uid: part, attempt });
const number = fc.integer({ min: 0, max: 0xffff_ffff });

describe("names", () => {
  test("are dockershim's", () => {
    const meta = { name: "web", namespace: "shop", uid: "u-1", attempt: 3 };
    expect(sandboxName(meta)).toBe("k8s_POD_web_shop_u-1_3");
    expect(containerName(meta, { name: "nginx", attempt: 0 })).toBe("k8s_nginx_web_shop_u-1_0");
    expect(withSuffix("k8s_POD_web_shop_u-1_3", 0xbeef)).toBe("k8s_POD_web_shop_u-1_3_0000beef");
    expect(withSuffix("n", 0xffff_ffff)).toBe("n_ffffffff");
  });

  test("with a suffix lead back to what they were planned as", () => {
    fc.assert(
      fc.property(pod, part, number, (meta, container, n) => {
        for (const name of [
          sandboxName(meta),
          containerName(meta, { name: container, attempt: 0 }),
        ]) {
          for (const variant of [
            name,
            `/${name}`,
            withSuffix(name, n),
            `/${withSuffix(name, n)}`,
          ]) {
            expect(withoutSuffix(variant)).toBe(name);
          }
        }
      }),
    );
    expect(withoutSuffix("/web_0000beef")).toBe("web_0000beef");
  });

  test("of sandboxes give their metadata back, with a slash and a suffix or without", () => {
    fc.assert(
      fc.property(pod, number, (meta, n) => {
        const name = sandboxName(meta);
        for (const variant of [name, `/${name}`, withSuffix(name, n), `/${withSuffix(name, n)}`]) {
          expect(parseSandboxName(variant)).toEqual(meta);
          expect(parseContainerName(variant)).toBeUndefined();
        }
      }),
    );
  });

  test("of containers give metadata, pod and suffix back", () => {
    const name = part.filter((text) => text !== "POD");
    fc.assert(
      fc.property(pod, fc.record({ name, attempt }), number, (meta, container, n) => {
        const { attempt: _attempt, ...rest } = meta;
        const plain = containerName(meta, container);
        expect(parseContainerName(`/${plain}`)).toEqual({
          ...{ container, pod: rest, suffix: undefined },
        });
        const suffix = n.toString(16).padStart(8, "0");
        expect(parseContainerName(withSuffix(plain, n))).toEqual({ container, pod: rest, suffix });
        expect(parseSandboxName(plain)).toBeUndefined();
      }),
    );
  });

  test.each([
    "",
    "web",
    "k8s_POD_web_shop_u-1",
    "k8s_POD_web_shop_u-1_0_a_b",
    "x8s_POD_web_shop_u-1_0",
    "k8s_POD_web_shop_u-1_",
    "k8s_POD_web_shop_u-1_-1",
    "k8s_POD_web_shop_u-1_4294967296",
    "k8s__web_shop_u-1_0",
  ])("%j is none of ours", (name) => {
    expect(parseSandboxName(name)).toBeUndefined();
    expect(parseContainerName(name)).toBeUndefined();
  });
});
