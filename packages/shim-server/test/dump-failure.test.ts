import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DockerError, type DockerErrorCode } from "@dockershim/docker-client";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { explainDumpFailure } from "../src/checkpoint/dump-failure.js";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "dump-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

function failure(engineMessage: string, code: DockerErrorCode = "server_error"): DockerError {
  return new DockerError({ code, operation: "containers.checkpoint", engineMessage });
}

/** As Docker 28 and 29 said it. */
const without =
  'Cannot checkpoint container app1: runc did not terminate successfully: exit status 1: CRIU version check failed: exec: "criu": executable file not found in $PATH path= /exec/criu-dump.log';

test("a node without CRIU cannot checkpoint", async () => {
  expect(await explainDumpFailure(failure(without))).toMatchObject({
    code: "unimplemented",
    message: expect.stringContaining("finds no CRIU that works"),
  });
});

test("an engine that has stopped being experimental says so itself", async () => {
  const said = "checkpoint is only supported on a Docker daemon with experimental features enabled";
  expect(await explainDumpFailure(failure(said, "not_implemented"))).toMatchObject({
    code: "unimplemented",
    message: expect.stringContaining(said),
  });
});

test("what CRIU calls errors is the reason", async () => {
  const log = join(dir, "criu-dump.log");
  writeFileSync(
    log,
    [
      ...Array.from({ length: 5_000 }, (_, i) => `(00.001) nothing of interest, line ${i}`),
      "(00.085) Error (criu/sk-inet.c:191): inet: Connected TCP socket, consider using --tcp-established option.",
      "(00.086) net: Unlock network",
      "(00.141) Error (criu/cr-dump.c:1975): Dumping FAILED.",
    ].join("\n"),
  );
  const said = `Cannot checkpoint container app4: runc did not terminate successfully: exit status 1: criu failed: type NOTIFY errno 0 path= ${log}`;
  expect(await explainDumpFailure(failure(said))).toMatchObject({
    code: "internal",
    message:
      "could not checkpoint the container: CRIU says: inet: Connected TCP socket, " +
      "consider using --tcp-established option.; Dumping FAILED.",
  });
});

test("without its log, what the engine says has to do", async () => {
  const said = `criu failed: type NOTIFY errno 0 path= ${join(dir, "none/criu-dump.log")}`;
  expect(await explainDumpFailure(failure(said))).toMatchObject({
    code: "internal",
    message: `could not checkpoint the container: ${said}`,
  });
});

test("an engine that is away is not CRIU's fault", async () => {
  const away = failure("the connection failed", "unavailable");
  expect(await explainDumpFailure(away)).toBe(away);
});
