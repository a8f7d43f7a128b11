import { describe, expect, test } from "@jest/globals";
import { apiAtLeast } from "../src/index.js";

describe("API versions", () => {
  test.each([
    ["1.41", "1.44", false],
    ["1.44", "1.44", true],
    ["1.51", "1.44", true],
    ["1.9", "1.41", false],
    ["1.100", "1.44", true],
    ["2.0", "1.44", true],
    ["", "1.0", false],
  ])("%s is at least %s: %p", (version, wanted, expected) => {
    expect(apiAtLeast(version, wanted)).toBe(expected);
  });
});
