import { ConnectError } from "@connectrpc/connect";
import { expect, test } from "@jest/globals";
import { translateError } from "../src/translate-error.js";

const call = {
  endpoint: "unix:///run/x.sock",
  method: "Version",
  timeoutMs: 2_000,
  startedAt: performance.now(),
  signal: new AbortController().signal,
};

test.each([
  ["ENOENT", "missing"],
  ["EACCES", "permission"],
  ["ECONNREFUSED", "refused"],
  ["ECONNRESET", "closed"],
  ["ERR_HTTP2_ERROR", "not-grpc"],
])("Node's %s means that the runtime is out of reach: %s", (code, reason) => {
  const nodeError = Object.assign(new Error("connect failed"), { code });
  const error = translateError(ConnectError.from(nodeError), call);
  expect(error).toMatchObject({ code: "UNAVAILABLE", reason });
  expect(error.message).toContain("cannot reach the container runtime at unix:///run/x.sock: ");
});

test("an error of unknown origin keeps its message", () => {
  const error = translateError(new Error("odd"), call);
  expect(error).toMatchObject({ code: "UNKNOWN", message: "Version: odd" });
});

test("a chain of causes that bites its tail ends", () => {
  const error = new Error("a");
  error.cause = new Error("b", { cause: error });
  expect(translateError(error, call).code).toBe("UNKNOWN");
});
