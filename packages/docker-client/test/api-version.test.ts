import { describe, expect, test } from "@jest/globals";
import { chooseApiVersion, compareApiVersions } from "../src/api-version.js";

const client = { min: "1.41", max: "1.56" };

describe("choosing the API version", () => {
  test.each([
    ["Docker 20.10", "1.12", "1.41", "1.41"],
    ["Docker 26.1", "1.24", "1.45", "1.45"],
    ["Docker 28.5", "1.24", "1.51", "1.51"],
    ["Docker 29.0", "1.44", "1.52", "1.52"],
    ["Docker 29.8", "1.40", "1.56", "1.56"],
    ["a newer engine that still speaks ours", "1.44", "1.58", "1.56"],
    ["an engine whose lowest is our highest", "1.56", "1.60", "1.56"],
  ])("%s (%s to %s) is spoken to in %s", (release, min, max, expected) => {
    expect(chooseApiVersion(client, { min, max, release })).toBe(expected);
  });

  test.each([
    ["too old", "1.12", "1.40"],
    ["too new", "1.57", "1.60"],
  ])("an engine that is %s is refused with both ranges named", (how, min, max) => {
    expect(() => chooseApiVersion(client, { min, max, release: "x" })).toThrow(
      expect.objectContaining({
        code: "unsupported_api",
        engineMessage: `Docker engine x is ${how}: it speaks API ${min} to ${max}, but 1.41 to 1.56 is needed`,
      }),
    );
  });

  test("minor versions compare as numbers", () => {
    expect(compareApiVersions("1.9", "1.41")).toBeLessThan(0);
    expect(compareApiVersions("2.0", "1.51")).toBeGreaterThan(0);
    expect(compareApiVersions("1.41", "1.41")).toBe(0);
  });
});
