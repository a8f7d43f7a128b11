import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";

const manifest = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
) as Record<"peerDependencies" | "peerDependenciesMeta", Record<string, unknown>>;

/** Starts tracing, or fails to, where no package of a name that begins so can be found. */
function startTracingWithout(prefix: string): { code: string; message: string } {
  const script = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve: (name, context, next) =>
        next(name.startsWith(${JSON.stringify(prefix)}) ? name + "-that-is-missing" : name, context),
    });
    const { createTracing } = await import(
      ${JSON.stringify(import.meta.resolve("../dist/telemetry/tracing.js"))}
    );
    const started = await createTracing("http://127.0.0.1:9", { info() {} }).then(
      () => ({ code: "started", message: "" }),
      ({ code, message }) => ({ code, message }),
    );
    console.log(JSON.stringify(started));
    process.exit();
  `;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", script],
    { encoding: "utf8" },
  );
  return stdout === "" ? { code: "none", message: stderr } : JSON.parse(stdout);
}

test("tracing without OpenTelemetry is refused, with the packages to install", () => {
  const { code, message } = startTracingWithout("@opentelemetry/sdk");
  expect(code).toBe("failed_precondition");
  expect(message).toMatch(/^tracing-endpoint: OpenTelemetry is not installed; npm install /);
  const named = message.slice(message.indexOf("@")).split(" ");
  expect(named).toEqual(Object.keys(manifest.peerDependencies));
  expect(named).toEqual(Object.keys(manifest.peerDependenciesMeta));
});

test("with it tracing starts", () => {
  expect(startTracingWithout("no package")).toEqual({ code: "started", message: "" });
});
