import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { createOwners } from "../src/field-owners.js";
import { ContainerUpdateSchema, LinuxResourcesSchema } from "../src/index.js";
import { collectUpdates } from "../src/merge-updates.js";

type Resources = NonNullable<
  NonNullable<MessageInitShape<typeof ContainerUpdateSchema>["linux"]>["resources"]
>;

function update(containerId: string, resources: Resources, ignoreFailure = false) {
  return create(ContainerUpdateSchema, { containerId, ignoreFailure, linux: { resources } });
}

test("updates of one container by several plugins become one", () => {
  const updates = collectUpdates(createOwners());
  updates.merge(
    [update("c1", { cpu: { cpus: "1" } }), update("c2", { cpu: { cpus: "2" } })],
    "10-a",
  );
  updates.merge([update("c1", { memory: { limit: { value: 5n } } })], "20-b");
  expect(updates.collected()).toMatchObject([
    {
      containerId: "c1",
      linux: { resources: { cpu: { cpus: "1" }, memory: { limit: { value: 5n } } } },
    },
    { containerId: "c2" },
  ]);
});

test("a conflict fails, and changes nothing where its failure is to be ignored", () => {
  const updates = collectUpdates(createOwners());
  updates.merge([update("c1", { cpu: { cpus: "1" } })], "10-a");
  const conflicting: Resources = { memory: { limit: { value: 5n } }, cpu: { cpus: "2" } };
  expect(() => updates.merge([update("c1", conflicting)], "20-b")).toThrow(
    "NRI plugins 10-a and 20-b both set CPUSetCPUs of container c1",
  );
  updates.merge([update("c1", conflicting, true)], "20-b");
  updates.merge([update("c1", { memory: { limit: { value: 6n } } })], "30-c");
  const [merged] = updates.collected();
  expect(merged?.linux?.resources).toMatchObject({
    cpu: { cpus: "1" },
    memory: { limit: { value: 6n } },
  });
});

test("the container that is being created cannot be updated", () => {
  const updates = collectUpdates(createOwners(), { creating: "c1" });
  expect(() => updates.merge([update("c1", {})], "10-a")).toThrow(/10-a wants to update c1 while/);
});

test("the container that is being updated is changed in place", () => {
  const resources = create(LinuxResourcesSchema, { cpu: { cpus: "0", shares: { value: 2n } } });
  const updates = collectUpdates(createOwners(), { own: { container: "c1", resources } });
  updates.merge([update("c1", { cpu: { cpus: "1" } })], "10-a");
  expect(resources.cpu).toMatchObject({ cpus: "1", shares: { value: 2n } });
  expect(updates.collected()).toEqual([]);
});
