import { Code } from "@connectrpc/connect";
import { CniError } from "@dockershim/cni";
import { ContainerLogError } from "@dockershim/container-logs";
import { DockerError } from "@dockershim/docker-client";
import { PodSandboxError } from "@dockershim/pod-sandbox";
import { describe, expect, test } from "@jest/globals";
import { toConnectError } from "../src/server/error-mapping.js";
import { ShimError } from "../src/shim-error.js";

const open = new AbortController().signal;
const docker = (code: DockerError["code"]) =>
  new DockerError({ code, operation: "start container x", engineMessage: "because" });

describe("errors at the edge", () => {
  test.each<[unknown, Code]>([
    [new ShimError("not_found", "x"), Code.NotFound],
    [new ShimError("failed_precondition", "x"), Code.FailedPrecondition],
    [new PodSandboxError("invalid_argument", "config.metadata", "x"), Code.InvalidArgument],
    [docker("not_found"), Code.NotFound],
    [docker("unavailable"), Code.Unavailable],
    [docker("unauthorized"), Code.Unauthenticated],
    [docker("server_error"), Code.Internal],
    [new CniError("plugin-failed", "x"), Code.Internal],
    [new ContainerLogError("path_refused", "x"), Code.FailedPrecondition],
    [new ContainerLogError("no_space", "x"), Code.ResourceExhausted],
    [new TypeError("bug"), Code.Internal],
    ["text", Code.Internal],
  ])("%s becomes gRPC code %s", (reason, code) => {
    expect(toConnectError(reason, open).code).toBe(code);
  });

  test("the engine's own words reach the caller", () => {
    expect(toConnectError(docker("server_error"), open).rawMessage).toContain("because");
  });

  test("after the caller's deadline any error is DEADLINE_EXCEEDED", () => {
    const late = AbortSignal.abort(new DOMException("late", "TimeoutError"));
    expect([Code.DeadlineExceeded, Code.Canceled]).toContain(
      toConnectError(docker("canceled"), late).code,
    );
  });
});
