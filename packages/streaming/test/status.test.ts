import { describe, expect, test } from "@jest/globals";
import { encodeStatus } from "../src/status.js";

const action = "error executing command in container";

describe("encodeStatus", () => {
  test("reports success as a Status, or as nothing to old clients", () => {
    expect(JSON.parse(encodeStatus({ exitCode: 0 }, "json", action))).toEqual({
      metadata: {},
      status: "Success",
    });
    expect(encodeStatus({ exitCode: 0 }, "text", action)).toBe("");
  });

  test.each([1, 7, 137, 255])("reports exit code %d where clients look for it", (exitCode) => {
    expect(JSON.parse(encodeStatus({ exitCode }, "json", action))).toMatchObject({
      status: "Failure",
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
    });
    expect(encodeStatus({ exitCode }, "text", action)).toBe(
      `command terminated with non-zero exit code: ${exitCode}`,
    );
  });

  test.each([-1, 256, 1.5, Number.NaN])(
    "reports %d, which clients cannot parse, as an error",
    (exitCode) => {
      expect(JSON.parse(encodeStatus({ exitCode }, "json", action))).toMatchObject({
        status: "Failure",
        reason: "InternalError",
        code: 500,
      });
    },
  );

  test("reports an error with what failed and why", () => {
    const error = new Error("container c1 is not running");
    const message = `Internal error occurred: ${action}: container c1 is not running`;
    expect(JSON.parse(encodeStatus({ error }, "json", action))).toMatchObject({
      status: "Failure",
      reason: "InternalError",
      code: 500,
      message,
    });
    expect(encodeStatus({ error }, "text", action)).toBe(message);
  });
});
