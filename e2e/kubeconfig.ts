import { writeFileSync } from "node:fs";
import type { Certificate } from "./certificates.ts";

/** Writes the file by which a client finds its cluster and says who it is. */
export function writeKubeconfig(
  file: string,
  server: string,
  authority: Certificate,
  user: Certificate,
): string {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "lab", cluster: { server, "certificate-authority": authority.certificate } },
    ],
    users: [
      { name: "user", user: { "client-certificate": user.certificate, "client-key": user.key } },
    ],
    contexts: [{ name: "lab", context: { cluster: "lab", user: "user" } }],
    "current-context": "lab",
  };
  writeFileSync(file, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  return file;
}
