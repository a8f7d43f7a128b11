import { create } from "@bufbuild/protobuf";
import { LinuxContainerSecurityContextSchema } from "@dockershim/cri-types";
import { describe, expect, test } from "@jest/globals";
import { imageUserNeeded, planContainer, resolveImageUser } from "../src/index.js";
import { containerConfig, containerInput, imageId, thrown } from "./configs.js";

type ContextInit = Parameters<typeof create<typeof LinuxContainerSecurityContextSchema>>[1];

const strict = { supplementalGroupsPolicy: 1 };
const uid = { runAsUser: { value: 1000n } };
const gid = { runAsGroup: { value: 50n } };
const resolved = { uid: 1000, gid: 1001, groups: [7, 8] };

interface Case {
  what: string;
  context: ContextInit;
  /** `USER` of the image. */
  image: string;
  /** Whom the server has to look up, if anybody. */
  lookup?: string;
  User?: string;
  GroupAdd?: string[];
}

const cases: Case[] = [
  { what: "the image's user", context: {}, image: "app" },
  { what: "a uid", context: uid, image: "app", User: "1000" },
  { what: "a user name", context: { runAsUsername: "www" }, image: "", User: "www" },
  {
    ...{ what: "a uid with more groups", image: "", User: "1000", GroupAdd: ["9", "10"] },
    context: { ...uid, supplementalGroups: [9n, 10n, 9n] },
  },
  {
    ...{ what: "uid and gid, merged with the image's groups", image: "", lookup: "1000" },
    ...{ context: { ...uid, ...gid }, User: "1000:50", GroupAdd: ["7", "8"] },
  },
  {
    ...{ what: "name and gid, merged", image: "", lookup: "www", User: "www:50" },
    ...{ context: { runAsUsername: "www", ...gid, supplementalGroups: [8n, 9n] } },
    GroupAdd: ["7", "8", "9"],
  },
  {
    ...{ what: "an image's user with a group, merged", context: {}, image: "app:50" },
    ...{ lookup: "app", GroupAdd: ["7", "8"] },
  },
  {
    what: "an image's group without a user",
    context: {},
    image: ":50",
    lookup: "0",
    GroupAdd: ["7", "8"],
  },
  {
    what: "uid and gid, strictly",
    context: { ...uid, ...gid, ...strict },
    image: "",
    User: "1000:50",
  },
  {
    what: "a uid, strictly",
    context: { ...uid, ...strict },
    image: "app:50",
    lookup: "1000",
    User: "1000:1001",
  },
  {
    ...{ what: "a name, strictly", image: "", lookup: "www", User: "www:1001", GroupAdd: ["9"] },
    context: { runAsUsername: "www", ...strict, supplementalGroups: [9n] },
  },
  {
    what: "the image's user, strictly",
    context: strict,
    image: "app",
    lookup: "app",
    User: "app:1001",
  },
  { what: "the image's user and group, strictly", context: strict, image: "app:50" },
  { what: "root, strictly", context: strict, image: "", lookup: "0", User: "0:1001" },
];

describe("the user of a container", () => {
  test.each(cases)("can be $what", ({ context, image, lookup, User, GroupAdd }) => {
    const securityContext = create(LinuxContainerSecurityContextSchema, context);
    expect(imageUserNeeded(securityContext, image)).toBe(lookup);
    const config = containerConfig({ linux: { securityContext } });
    const planned = {
      ...{ id: imageId, ref: "r", config: { User: image, Cmd: ["x"] } },
      user: lookup === undefined ? undefined : resolved,
    };
    const { body } = planContainer(containerInput(config, { image: planned }));
    expect({ User: body.User, GroupAdd: body.HostConfig.GroupAdd }).toEqual({ User, GroupAdd });
  });

  test("is the image's without a security context", () => {
    expect(imageUserNeeded(undefined, "app")).toBeUndefined();
    const image = { id: imageId, ref: "r", config: { User: "app", Cmd: ["x"] } };
    expect(planContainer(containerInput(containerConfig(), { image })).body).not.toHaveProperty(
      "User",
    );
  });

  test("must have been looked up where it matters", () => {
    const config = containerConfig({ linux: { securityContext: { ...uid, ...gid } } });
    expect(thrown(() => planContainer(containerInput(config)))).toMatchObject({
      code: "failed_precondition",
      field: "config.linux.security_context.supplemental_groups_policy",
    });
  });
});

describe("an image's files", () => {
  const passwd = [
    "root:x:0:0:root:/root:/bin/sh",
    "# a comment",
    "",
    "app:x:1000:1001::/home/app:/bin/sh",
    "1234:x:77:78::/:/bin/sh",
  ].join("\n");
  const group = [
    "root:x:0:root",
    "app:x:1001:",
    "dialout:x:20:app,root",
    "video:x:44: ",
    "odd:x:z:app",
  ].join("\n");

  test.each([
    ["app", { uid: 1000, gid: 1001, groups: [20] }],
    ["1000", { uid: 1000, gid: 1001, groups: [20] }],
    ["0", { uid: 0, gid: 0, groups: [0, 20] }],
    ["1234", { uid: 77, gid: 78, groups: [] }],
    ["4321", { uid: 4321, gid: 0, groups: [] }],
    ["nobody", undefined],
  ])("say of %j what Docker would find there", (user, expected) => {
    expect(resolveImageUser(user, passwd, group)).toEqual(expected);
  });

  test("may be missing", () => {
    expect(resolveImageUser("1000", "", "")).toEqual({ uid: 1000, gid: 0, groups: [] });
    expect(resolveImageUser("app", "", "")).toBeUndefined();
  });
});
