import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { createHarness, type Harness } from "./harness.js";

let dir: string;
let cert: string;
let key: string;
let h: Harness | undefined;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "streaming-tls-"));
  cert = join(dir, "cert.pem");
  key = join(dir, "key.pem");
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=node"],
      ...["-addext", "subjectAltName=IP:127.0.0.1"],
    ],
    { stdio: "ignore" },
  );
});
afterAll(async () => {
  await h?.close();
  rmSync(dir, { recursive: true });
});

test("exec goes over HTTPS with the certificate that was given, and over nothing else", async () => {
  h = await createHarness({ streamingTlsCertFile: cert, streamingTlsKeyFile: key });
  const { containerId } = await h.runPod();
  const ask = async (): Promise<string> =>
    (await h?.cri.runtime.exec({ containerId, cmd: ["echo", "over TLS"], stdout: true }))?.url ??
    "";

  expect(await ask()).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/exec\/[\w-]+$/);
  const socket = new WebSocket(await ask(), "v5.channel.k8s.io", { ca: readFileSync(cert) });
  let text = "";
  socket.on("message", (data: Buffer) => {
    if (data[0] === 1) text += data.subarray(1).toString();
  });
  await once(socket, "close");
  expect(text).toBe("over TLS\n");

  // Whoever does not know the certificate does not trust it; and there is no HTTP.
  for (const url of [await ask(), (await ask()).replace("https:", "http:")]) {
    const refused = new WebSocket(url, "v5.channel.k8s.io");
    await expect(once(refused, "open")).rejects.toThrow(/self.signed|hang up/i);
  }
});

test.each([
  ["a file that is not there", () => join(dir, "none.pem"), /ENOENT/],
  [
    "what is no certificate",
    () => {
      writeFileSync(join(dir, "text.pem"), "no certificate\n");
      return join(dir, "text.pem");
    },
    /PEM/i,
  ],
])("%s stops the start with the options' names", async (_, file, reason) => {
  const started = createHarness({ streamingTlsCertFile: file(), streamingTlsKeyFile: key });
  await expect(started).rejects.toMatchObject({
    code: "failed_precondition",
    message: expect.stringMatching(/^streaming-tls-cert-file, streaming-tls-key-file: /),
  });
  await expect(started).rejects.toThrow(reason);
});
