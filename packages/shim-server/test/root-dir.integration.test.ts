import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { pino } from "pino";
import { startShim } from "../src/index.js";
import { createHarness } from "./harness.js";

test("a second daemon over one root directory is refused, and the first one goes on", async () => {
  const h = await createHarness();
  try {
    const listen = `unix://${join(h.dir, "second.sock")}`;
    const second = startShim({ ...h.options, listen }, pino({ level: "silent" }));
    await expect(second).rejects.toMatchObject({
      code: "failed_precondition",
      message: expect.stringContaining(
        `process ${process.pid}, which serves on ${h.options.listen}`,
      ),
    });
    expect((await h.cri.runtime.version({})).runtimeName).toBe("docker");
    await h.restart();
  } finally {
    await h.close();
  }
});
