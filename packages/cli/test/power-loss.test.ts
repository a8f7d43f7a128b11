import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPowerLossFs } from "@dockershim/testing";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";

const disk = createPowerLossFs();
jest.unstable_mockModule("node:fs/promises", () => disk.fs);
const { writeWhole } = await import("../src/machine/write-whole.js");

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "power-"));
});
afterAll(() => rm(dir, { recursive: true }));

test("whenever the power goes, a file has its old text or the new one, and what was written stays", async () => {
  const file = join(dir, "journal.json");
  const may: (string | undefined)[][] = [];
  let told: (string | undefined)[] = [];
  const look = (): (string | undefined)[] => disk.states().map((state) => state[file]);
  disk.onStep = () => may.push(told.concat(look()));
  for (const [before, after] of [
    [undefined, "first"],
    ["first", "second"],
    ["second", "third"],
  ]) {
    told = [];
    may.length = 0;
    await writeWhole(file, after as string);
    for (const texts of may) {
      for (const text of texts) expect([before, after]).toContain(text);
    }
    expect(new Set(look())).toEqual(new Set([after]));
  }
});
