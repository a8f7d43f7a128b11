import { Code, ConnectError } from "@connectrpc/connect";
import { createDeadlineSignal } from "@connectrpc/connect/protocol";
import { CgroupError, type CgroupErrorCode } from "@dockershim/cgroups";
import { CniError } from "@dockershim/cni";
import { ContainerLogError } from "@dockershim/container-logs";
import { DockerError } from "@dockershim/docker-client";
import { PodSandboxError } from "@dockershim/pod-sandbox";
import { describe, expect, test } from "@jest/globals";
import { maxErrorBytes } from "../src/messages/brief-message.js";
import { toConnectError } from "../src/server/error-mapping.js";
import { ShimError } from "../src/shim-error.js";

const open = new AbortController().signal;
const docker = (code: DockerError["code"], engineMessage = "because") =>
  new DockerError({ code, operation: "start container x", engineMessage });

describe("errors at the edge", () => {
  test.each<[unknown, Code]>([
    [new ShimError("not_found", "x"), Code.NotFound],
    [new ShimError("failed_precondition", "x"), Code.FailedPrecondition],
    [new PodSandboxError("invalid_argument", "config.metadata", "x"), Code.InvalidArgument],
    [docker("not_found"), Code.NotFound],
    [docker("unavailable"), Code.Unavailable],
    [docker("unauthorized"), Code.Unauthenticated],
    [docker("server_error"), Code.Internal],
    [new CniError("plugin_failed", "x"), Code.Internal],
    [new ContainerLogError("path_refused", "x"), Code.FailedPrecondition],
    [new ContainerLogError("no_space", "x"), Code.ResourceExhausted],
    [new TypeError("bug"), Code.Internal],
    ["text", Code.Internal],
  ])("%s becomes gRPC code %s", (reason, code) => {
    expect(toConnectError(reason, open).code).toBe(code);
  });

  test.each<[CgroupErrorCode, string | undefined, Code]>([
    ["not_available", undefined, Code.FailedPrecondition],
    ["invalid_path", undefined, Code.InvalidArgument],
    ["invalid_file", undefined, Code.InvalidArgument],
    ["unified_on_v1", undefined, Code.FailedPrecondition],
    ["gone", "ENOENT", Code.NotFound],
    ["write_refused", "EINVAL", Code.FailedPrecondition],
    ["write_refused", "EACCES", Code.PermissionDenied],
    ["write_refused", "EROFS", Code.PermissionDenied],
    ["read_failed", "EIO", Code.Internal],
    ["read_failed", "EPERM", Code.PermissionDenied],
    ["read_failed", "EMFILE", Code.ResourceExhausted],
    ["read_failed", "ENFILE", Code.ResourceExhausted],
    ["read_failed", "ENOMEM", Code.ResourceExhausted],
  ])("CgroupError %s with %s from the kernel becomes gRPC code %s", (code, system, expected) => {
    const cause =
      system === undefined ? undefined : Object.assign(new Error("x"), { code: system });
    const error = toConnectError(new CgroupError(code, "cannot read it", { cause }), open);
    expect(error.code).toBe(expected);
    expect(error.rawMessage).toBe("cannot read it");
  });

  test("the engine's own words reach the caller", () => {
    expect(toConnectError(docker("server_error"), open).rawMessage).toContain("because");
  });

  test.each([
    ["of ours", new ShimError("not_found", "x".repeat(100_000)), Code.NotFound],
    ["of the engine's", docker("conflict", "x".repeat(100_000)), Code.FailedPrecondition],
    ["of the framework's", new ConnectError("x".repeat(100_000), Code.NotFound), Code.NotFound],
    ["of nobody's", "x".repeat(100_000), Code.Internal],
  ])("a long message %s is cut to what a header carries", (_whose, reason, code) => {
    const error = toConnectError(reason, open);
    expect(error.code).toBe(code);
    expect(error.rawMessage.length).toBeLessThanOrEqual(maxErrorBytes);
  });

  test("after the caller's deadline any error is DEADLINE_EXCEEDED", () => {
    // Connect's server makes the deadline of a call so.
    const late = createDeadlineSignal(0).signal;
    for (const reason of [docker("canceled"), new ShimError("internal", "x"), "text"]) {
      expect(toConnectError(reason, late).code).toBe(Code.DeadlineExceeded);
    }
  });

  test("once the caller has gone any error is CANCELED", () => {
    for (const why of [new ConnectError("gone", Code.Canceled), new Error("gone"), undefined]) {
      expect(toConnectError(docker("server_error"), AbortSignal.abort(why)).code).toBe(
        Code.Canceled,
      );
    }
  });
});
