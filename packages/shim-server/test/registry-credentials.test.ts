import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AuthConfigSchema } from "@dockershim/cri-types";
import { describe, expect, test } from "@jest/globals";
import { toRegistryAuth } from "../src/image/registry-credentials.js";

const from = (auth: MessageInitShape<typeof AuthConfigSchema>, reference = "r.example:5000/a:1") =>
  toRegistryAuth(create(AuthConfigSchema, auth), reference);

const base64 = (text: string) => Buffer.from(text).toString("base64");
const serveraddress = "r.example:5000";

describe("credentials", () => {
  test.each([
    ["username and password", { username: "u", password: "p" }, { username: "u", password: "p" }],
    ["both in auth", { auth: base64("u:p:q") }, { username: "u", password: "p:q" }],
    ["auth padded with NULs", { auth: base64("u:p\0\0") }, { username: "u", password: "p" }],
    ["letters beyond ASCII", { auth: base64("ü:pß") }, { username: "ü", password: "pß" }],
    ["an identity token", { identityToken: "i", username: "u" }, { identitytoken: "i" }],
    ["a registry token", { registryToken: "r" }, { registrytoken: "r" }],
    [
      "a password in two forms",
      { username: "u", password: "p", auth: "!" },
      { username: "u", password: "p" },
    ],
  ])("as %s reach the engine with their server", (_form, auth, expected) => {
    expect(from(auth)).toEqual({ ...expected, serveraddress });
  });

  test("that are empty are none", () => {
    expect(from({})).toBeUndefined();
    expect(toRegistryAuth(undefined, "a")).toBeUndefined();
  });

  test.each(["no colon", ":p", ""].map(base64).filter((pair) => pair !== ""))(
    "as auth %j are refused",
    (auth) => {
      expect(() => from({ auth })).toThrow(/auth\.auth/);
    },
  );

  test.each([
    ["https://r.example:5000/v2/", "r.example:5000/a"],
    ["R.EXAMPLE:5000", "r.example:5000/a"],
    ["https://r.example", "r.example/a@sha256:0"],
    ["https://index.docker.io/v1/", "busybox"],
    ["docker.io", "index.docker.io/library/busybox:1"],
    ["registry-1.docker.io", "team/app"],
    ["localhost:5000", "localhost:5000/a"],
  ])("for the server %s and the image %s are sent", (serverAddress, image) => {
    const auth = from({ username: "u", password: "p", serverAddress }, image);
    expect(auth).toMatchObject({ username: "u", password: "p" });
  });

  test("for another server stay here", () => {
    const auth = { username: "u", password: "p", serverAddress: "https://other.example" };
    expect(from(auth)).toBeUndefined();
    expect(from(auth, "busybox")).toBeUndefined();
  });

  test("for Docker Hub name it as Docker does", () => {
    expect(from({ identityToken: "i" }, "team/app:1")).toEqual({
      identitytoken: "i",
      serveraddress: "https://index.docker.io/v1/",
    });
  });
});
