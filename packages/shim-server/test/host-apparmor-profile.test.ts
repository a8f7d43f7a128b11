import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { requireApparmorProfile } from "../src/engine-work/host-apparmor-profile.js";

const field = "config.linux.security_context.apparmor";
let folder: string;
let loaded: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "shim-apparmor-"));
  loaded = join(folder, "profiles");
  const lines = ["docker-default (enforce)", "odd (name) (complain)", "who//child (enforce)", ""];
  writeFileSync(loaded, lines.join("\n"));
});

afterAll(() => rmSync(folder, { recursive: true }));

const ask = (ref: string, file = loaded) =>
  requireApparmorProfile({ type: "localhost", ref }, field, file);

test.each([["docker-default"], ["odd (name)"], ["who//child"]])("%s is loaded", async (name) => {
  await expect(ask(name)).resolves.toBeUndefined();
});

test.each([["docker"], ["odd"], ["docker-default (enforce)"]])(
  "%s, which is not loaded, is refused by its field and name",
  async (name) => {
    await expect(ask(name)).rejects.toMatchObject({
      code: "failed_precondition",
      message: `${field}: profile "${name}" is not loaded on this node`,
    });
  },
);

test("profiles that need not be loaded are not looked for", async () => {
  const file = join(folder, "none");
  await expect(requireApparmorProfile({ type: "unconfined" }, field, file)).resolves.toBe(
    undefined,
  );
});

test("where the kernel's list cannot be read, the engine has to tell", async () => {
  await expect(ask("docker-default", join(folder, "none"))).resolves.toBeUndefined();
});
