import { describe, expect, test } from "@jest/globals";
import { imageNameOf, toImage } from "../src/index.js";
import { imageId } from "./configs.js";

describe("an image", () => {
  test.each<[string, bigint | undefined, string]>([
    ["", undefined, ""],
    ["1002", 1002n, ""],
    ["0", 0n, ""],
    ["www-data", undefined, "www-data"],
    ["1003:users", 1003n, ""],
    ["www-data:100", undefined, "www-data"],
    [":100", undefined, ""],
  ])("of user %j has CRI's uid or user name", (User, uid, username) => {
    const image = toImage({ Id: imageId, Size: 5, Config: { User } });
    expect(image.uid?.value).toBe(uid);
    expect(image.username).toBe(username);
  });

  test("is told without Docker's placeholders", () => {
    const image = {
      ...{ Id: imageId, Size: 1234567, RepoTags: ["<none>:<none>", "a:1"] },
      RepoDigests: ["<none>@<none>", "a@sha256:1"],
    };
    expect(toImage(image, { pinned: true })).toMatchObject({
      ...{ id: imageId, size: 1234567n, pinned: true },
      ...{ repoTags: ["a:1"], repoDigests: ["a@sha256:1"] },
    });
    const bare = toImage({ Id: imageId, Size: 0, RepoTags: null, RepoDigests: null });
    expect(bare).toMatchObject({ repoTags: [], repoDigests: [], pinned: false });
  });

  test.each([
    ["a:1", "", undefined, "a:1"],
    ["a:1", "b:1", { RepoTags: ["c:1"] }, "a:1"],
    [imageId, "b:1", { RepoTags: ["c:1"] }, "b:1"],
    [imageId, "", { RepoTags: ["<none>:<none>", "c:1"] }, "c:1"],
    [imageId, "", { RepoTags: [], RepoDigests: ["c@sha256:1"] }, "c@sha256:1"],
    ["a".repeat(64), "", { RepoTags: ["c:1"] }, "c:1"],
    [imageId, "", undefined, imageId],
  ])("asked for as %j (%j) is shown by a name where there is one", (asked, user, image, name) => {
    expect(imageNameOf(asked, user, image)).toBe(name);
  });
});
