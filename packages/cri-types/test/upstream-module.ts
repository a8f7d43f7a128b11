import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const run = promisify(execFile);

const packageDir: string = join(import.meta.dirname, "..");
const buf: string = join(packageDir, "node_modules/.bin/buf");

/** The upstream release that our api.proto carries over. */
export const upstreamVersion = "v0.37.2";

/** Where the recorded facts of that release are kept. */
export const upstreamFixture: string = join(
  packageDir,
  `test/fixtures/cri-api-${upstreamVersion}.json`,
);

export type Upstream =
  | { available: true; file: FileDescriptorProto }
  | { available: false; reason: string };

/**
 * Compiles the proto file of the Go module k8s.io/cri-api, taken from the module
 * cache or, when it isn't there, from the module proxy that Go is set up with.
 * Says why when there is no Go or the module can't be had.
 */
export async function loadUpstream(): Promise<Upstream> {
  let moduleDir: string;
  try {
    const { stdout } = await run(
      "go",
      ["mod", "download", "-json", `k8s.io/cri-api@${upstreamVersion}`],
      // Outside of any module, so that no go.mod in a parent folder has a say.
      { cwd: tmpdir(), env: { ...process.env, GOFLAGS: "-mod=mod", GOWORK: "off" } },
    );
    moduleDir = (JSON.parse(stdout) as { Dir: string }).Dir;
  } catch (error) {
    return { available: false, reason: whyUnavailable(error) };
  }
  const { stdout } = await run(
    buf,
    [
      "build",
      join(moduleDir, "pkg/apis/runtime/v1"),
      "--exclude-source-info",
      "-o",
      "-#format=binpb",
    ],
    { encoding: "buffer", maxBuffer: 16 * 1024 * 1024 },
  );
  const [file] = fromBinary(FileDescriptorSetSchema, stdout).file;
  if (!file) throw new Error(`buf found no proto file below ${moduleDir}`);
  return { available: true, file };
}

function whyUnavailable(error: unknown): string {
  const { code, stdout, message } = error as { code?: unknown; stdout?: string; message: string };
  if (code === "ENOENT") return "go is not on PATH";
  // With -json, go reports a failed download on stdout.
  const detail = stdout?.match(/"Error": "(.*)"/)?.[1] ?? message;
  return `go cannot provide k8s.io/cri-api@${upstreamVersion}: ${detail}`;
}
