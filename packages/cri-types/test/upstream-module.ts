import { join } from "node:path";
import { loadGoModuleProto, type Upstream } from "@dockershim/testing/protobuf";

const packageDir: string = join(import.meta.dirname, "..");

/** The upstream release that our api.proto carries over. */
export const upstreamVersion = "v0.37.2";

/** Where the recorded facts of that release are kept. */
export const upstreamFixture: string = join(
  packageDir,
  `test/fixtures/cri-api-${upstreamVersion}.json`,
);

/** Compiles the proto file of the Go module k8s.io/cri-api. */
export function loadUpstream(): Promise<Upstream> {
  return loadGoModuleProto(join(packageDir, "node_modules/.bin/buf"), {
    module: "k8s.io/cri-api",
    version: upstreamVersion,
    folder: "pkg/apis/runtime/v1",
    file: "api.proto",
  });
}
