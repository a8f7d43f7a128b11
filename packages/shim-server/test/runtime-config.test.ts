import { create } from "@bufbuild/protobuf";
import { UpdateRuntimeConfigRequestSchema } from "@dockershim/cri-types";
import { expect, test } from "@jest/globals";
import { createUpdateRuntimeConfig } from "../src/runtime/runtime-config.js";

function configure() {
  const ranges: string[] = [];
  const network = { setPodCidr: (cidr: string) => void ranges.push(cidr) };
  const update = createUpdateRuntimeConfig({ network });
  const to = (podCidr: string) =>
    update(
      create(UpdateRuntimeConfigRequestSchema, { runtimeConfig: { networkConfig: { podCidr } } }),
    );
  return { ranges, to };
}

test("UpdateRuntimeConfig takes the node's ranges, and nothing says to keep those there are", async () => {
  const { ranges, to } = configure();
  await to("10.88.0.0/16,fd00:88::/64");
  await to("");
  expect(ranges).toEqual(["10.88.0.0/16,fd00:88::/64"]);
});

test.each(["10.88.0.0", "10.88.0.0/33", "10.1.0.0/16,10.2.0.0/16"])(
  "UpdateRuntimeConfig refuses %s, and keeps the ranges it had",
  async (podCidr) => {
    const { ranges, to } = configure();
    await expect(to(podCidr)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("runtime_config.network_config.pod_cidr: "),
    });
    expect(ranges).toEqual([]);
  },
);
