import { Code } from "@connectrpc/connect";
import { DockerError, type DockerErrorCode } from "@dockershim/docker-client";
import { expect, test } from "@jest/globals";
import { toPullError } from "../src/image/pull-error.js";
import { toConnectError } from "../src/server/error-mapping.js";

function pullFailed(code: DockerErrorCode, engineMessage: string) {
  const reason = new DockerError({ code, operation: "images.pull", engineMessage });
  return toConnectError(toPullError(reason), new AbortController().signal);
}

test.each<[DockerErrorCode, string, Code]>([
  ["not_found", "manifest for r/a:x not found: manifest unknown", Code.NotFound],
  ["unauthorized", "unauthorized: authentication required", Code.Unauthenticated],
  ["forbidden", "denied: requested access to the resource is denied", Code.PermissionDenied],
  ["no_space", "failed to register layer: no space left on device", Code.ResourceExhausted],
  ["invalid_argument", "invalid reference format", Code.InvalidArgument],
  ["server_error", "filesystem layer verification failed for digest sha256:0", Code.Internal],
])("a pull that fails with %s tells what the registry said and no more", (code, said, grpc) => {
  expect(pullFailed(code, said)).toMatchObject({ code: grpc, rawMessage: said });
});

// k8s.io/cri-client strips the code of UNKNOWN only, and pkg/kubelet/images looks for a prefix.
test("a registry out of reach has CRI's name for it, where the kubelet looks for it", () => {
  expect(pullFailed("registry_unavailable", "connection refused")).toMatchObject({
    code: Code.Unknown,
    rawMessage: "RegistryUnavailable: connection refused",
  });
});

test("a failed signature keeps CRI's name for it", () => {
  const said = "SignatureValidationFailed: no signature found for r/a:x";
  expect(pullFailed("server_error", said)).toMatchObject({ code: Code.Unknown, rawMessage: said });
  expect(pullFailed("forbidden", `authorization denied by plugin: ${said}`)).toMatchObject({
    code: Code.Unknown,
    rawMessage: said,
  });
});

test("an engine out of reach is no matter of the registry", () => {
  expect(pullFailed("unavailable", "nothing listens there")).toMatchObject({
    code: Code.Unavailable,
  });
});
