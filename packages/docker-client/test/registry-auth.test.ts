import { expect, test } from "@jest/globals";
import { encodeRegistryAuth } from "../src/registry-auth.js";

function decode(value: string): unknown {
  expect(value).toMatch(/^[A-Za-z0-9_-]+=*$/);
  return JSON.parse(Buffer.from(value, "base64url").toString("utf8"));
}

test("user and password are sent as they are, in URL-safe base64", () => {
  const auth = { username: "u", password: "ÿ~?>ÿ~?>", serveraddress: "registry.example" };
  expect(decode(encodeRegistryAuth(auth))).toEqual(auth);
});

test("the pair in auth becomes user and password, for the engine ignores it", () => {
  const auth = Buffer.from("user:pass:with:colons").toString("base64");
  expect(decode(encodeRegistryAuth({ auth, serveraddress: "r" }))).toEqual({
    username: "user",
    password: "pass:with:colons",
    serveraddress: "r",
  });
});

test("explicit user and password win over auth", () => {
  const auth = Buffer.from("other:secret").toString("base64");
  expect(decode(encodeRegistryAuth({ auth, username: "u", password: "p" }))).toEqual({
    username: "u",
    password: "p",
  });
});

test("a token is passed on", () => {
  expect(decode(encodeRegistryAuth({ identitytoken: "t" }))).toEqual({ identitytoken: "t" });
});

test("a string counts as encoded", () => {
  expect(encodeRegistryAuth("e30=")).toBe("e30=");
});

test("auth without a colon is refused", () => {
  expect(() => encodeRegistryAuth({ auth: "bm9jb2xvbg==" })).toThrow(
    expect.objectContaining({ code: "invalid_argument" }),
  );
});
