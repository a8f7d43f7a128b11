import { join } from "node:path";
import { loadGoModuleProto, type Upstream } from "@dockershim/testing/protobuf";

const packageDir: string = join(import.meta.dirname, "..");

/** The upstream release that our api.proto carries over. */
export const upstreamVersion = "v0.12.3";

/** Where the recorded facts of that release are kept. */
export const upstreamFixture: string = join(
  packageDir,
  `test/fixtures/nri-${upstreamVersion}.json`,
);

/** Compiles the proto file of the Go module github.com/containerd/nri. */
export function loadUpstream(): Promise<Upstream> {
  return loadGoModuleProto(join(packageDir, "node_modules/.bin/buf"), {
    module: "github.com/containerd/nri",
    version: upstreamVersion,
    folder: "pkg/api",
    file: "api.proto",
  });
}
