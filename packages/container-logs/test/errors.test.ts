import { expect, test } from "@jest/globals";
import { ContainerLogError } from "../src/errors.js";

test.each([
  ["ENOSPC", "no_space"],
  ["EDQUOT", "no_space"],
  ["EIO", "io_failed"],
])("%s of the system becomes %s, with what the system said", (system, code) => {
  const reason = Object.assign(new Error(`${system}: no`), { code: system });
  const error = ContainerLogError.from(reason);
  expect(error).toMatchObject({ code, message: `container log: ${system}: no`, cause: reason });
  expect(ContainerLogError.from(error)).toBe(error);
});
