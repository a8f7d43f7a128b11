// A registry on the loopback that has our packages by their tarballs, for what npm cannot install from files: a
// global installation, whose packages depend on each other.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface ScopeRegistry {
  readonly url: string;
  close(): void;
}

/**
 * Serves packages as npm's registry does, and no others.
 *
 * @param tarballs By package.
 */
export async function serveScope(tarballs: ReadonlyMap<string, string>): Promise<ScopeRegistry> {
  const server = createServer(({ url: path = "", headers }, response) => {
    const name = decodeURIComponent(path.slice(1));
    const tarball = tarballs.get(name) ?? tarballs.get(name.replace(/\.tgz$/, ""));
    if (tarball === undefined) {
      response.writeHead(404).end();
      return;
    }
    const content = readFileSync(tarball);
    if (name.endsWith(".tgz")) {
      response.end(content);
      return;
    }
    const text = execFileSync("tar", ["-xzOf", tarball, "package/package.json"]);
    const manifest = JSON.parse(text.toString());
    const dist = {
      tarball: `http://${headers.host}/${name}.tgz`,
      integrity: `sha512-${createHash("sha512").update(content).digest("base64")}`,
    };
    const { version } = manifest;
    const versions = { [version]: { ...manifest, dist } };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ name, "dist-tags": { latest: version }, versions }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => void server.close() };
}
