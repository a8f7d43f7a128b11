import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openNodeClasses } from "../src/pods/node-classes.js";

let dir: string;
let file: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "classes-"));
  file = join(dir, "blockio.yaml");
});
afterAll(() => rmSync(dir, { recursive: true }));

test("a node that was told nothing says what it lacks", async () => {
  const classes = await openNodeClasses({ blockioConfigFile: "" }, join(dir, "none"));
  expect(await classes.read()).toEqual({
    blockIo: { problem: "the daemon was given no --blockio-config-file" },
    rdt: { problem: `resctrl is not mounted on ${join(dir, "none")}` },
  });
});

test("what is no disk is left out, also behind a link", async () => {
  symlinkSync("/dev/null", join(dir, "disk-null"));
  writeFileSync(join(dir, "disk-file"), "");
  const pattern = join(dir, "disk-*");
  writeFileSync(file, `Classes: {slow: [{Devices: ["${pattern}"], ThrottleReadBps: 1M}]}\n`);
  const { blockIo } = await (await openNodeClasses({ blockioConfigFile: file })).read();
  expect(blockIo).toEqual({
    classes: new Map([["slow", [{ devices: [pattern], readBps: 1_000_000 }]]]),
    devicesOf: new Map([[pattern, []]]),
  });
});

test.each([
  ["Classes: {slow: [{Wight: 10}]}", /blockio\.yaml: Classes\.slow\[0\]: has the unknown key/],
  ["Classes: [", /blockio\.yaml: .*flow/i],
])("%s stops the daemon with the reason", async (text, reason) => {
  writeFileSync(file, text);
  await expect(openNodeClasses({ blockioConfigFile: file })).rejects.toMatchObject({
    code: "failed_precondition",
    message: expect.stringMatching(reason),
  });
});

test("groups of resctrl are classes, and what else is there is not", async () => {
  const resctrl = join(dir, "resctrl");
  for (const folder of ["gold", "info", "mon_data", "mon_groups", "silver"]) {
    mkdirSync(join(resctrl, folder), { recursive: true });
  }
  const classes = await openNodeClasses({ blockioConfigFile: "" }, resctrl);
  expect((await classes.read()).rdt).toHaveProperty("problem");
  writeFileSync(join(resctrl, "schemata"), "L3:0=f\n");
  expect((await classes.read()).rdt).toEqual({ classes: ["gold", "silver"] });
});
