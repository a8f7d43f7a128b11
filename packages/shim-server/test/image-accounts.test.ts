import { expect, test } from "@jest/globals";
import { createImageAccounts } from "../src/image/image-accounts.js";

const signal = new AbortController().signal;
const passwd = "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n";
const group = "app:x:1000:\nmedia:x:44:app\n";

test("an image's files are read once, however many users are looked up at the same time", async () => {
  const reads: string[] = [];
  const accounts = createImageAccounts({
    read: async (imageId) => {
      reads.push(imageId);
      return [passwd, group];
    },
  });
  const found = await Promise.all(
    ["app", "1000", "0", "nobody"].map((user) => accounts.find("sha256:1", user, signal)),
  );
  expect(found).toEqual([
    { uid: 1000, gid: 1000, groups: [44] },
    { uid: 1000, gid: 1000, groups: [44] },
    { uid: 0, gid: 0, groups: [] },
    undefined,
  ]);
  await accounts.find("sha256:2", "app", signal);
  expect(reads).toEqual(["sha256:1", "sha256:2"]);
});

test("a read that failed is tried again", async () => {
  let attempts = 0;
  const accounts = createImageAccounts({
    read: async () => {
      if (attempts++ === 0) throw new Error("engine restarts");
      return [undefined, undefined];
    },
  });
  await expect(accounts.find("sha256:1", "7", signal)).rejects.toThrow("engine restarts");
  // An image without such files has the uid all the same.
  expect(await accounts.find("sha256:1", "7", signal)).toEqual({ uid: 7, gid: 0, groups: [] });
});

test("a caller that has gone gets no answer", async () => {
  const accounts = createImageAccounts({ read: async () => [passwd, group] });
  await expect(
    accounts.find("sha256:1", "app", AbortSignal.abort(new Error("gone"))),
  ).rejects.toThrow("gone");
});
