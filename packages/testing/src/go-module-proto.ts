import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const run = promisify(execFile);

/** A proto file in a release of a Go module. */
export interface GoModuleProto {
  readonly module: string;
  /** Such as v0.37.2. */
  readonly version: string;
  /** The folder in the module that is the root of the file's imports, and of nothing else. */
  readonly folder: string;
  /** The file's path below it. */
  readonly file: string;
}

/** Its descriptor; or why there is none to be had. */
export type Upstream =
  | { available: true; file: FileDescriptorProto }
  | { available: false; reason: string };

/**
 * Compiles a proto file of a Go module, taken from the module cache or, when it isn't there, from
 * the module proxy that Go is set up with. Says why when there is no Go or the module can't be had.
 *
 * @param buf Path of the program buf.
 */
export async function loadGoModuleProto(buf: string, wanted: GoModuleProto): Promise<Upstream> {
  const module = `${wanted.module}@${wanted.version}`;
  let moduleDir: string;
  try {
    const { stdout } = await run(
      "go",
      ["mod", "download", "-json", module],
      // Outside of any module, so that no go.mod in a parent folder has a say.
      { cwd: tmpdir(), env: { ...process.env, GOFLAGS: "-mod=mod", GOWORK: "off" } },
    );
    moduleDir = (JSON.parse(stdout) as { Dir: string }).Dir;
  } catch (error) {
    return { available: false, reason: whyUnavailable(error, module) };
  }
  const folder = join(moduleDir, wanted.folder);
  const { stdout } = await run(
    buf,
    ["build", folder, "--exclude-source-info", "-o", "-#format=binpb"],
    { encoding: "buffer", maxBuffer: 16 * 1024 * 1024 },
  );
  const file = fromBinary(FileDescriptorSetSchema, stdout).file.find(
    ({ name }) => name === wanted.file,
  );
  if (!file) throw new Error(`buf found no ${wanted.file} below ${folder}`);
  return { available: true, file };
}

function whyUnavailable(error: unknown, module: string): string {
  const { code, stdout, message } = error as { code?: unknown; stdout?: string; message: string };
  if (code === "ENOENT") return "go is not on PATH";
  // With -json, go reports a failed download on stdout.
  const detail = stdout?.match(/"Error": "(.*)"/)?.[1] ?? message;
  return `go cannot provide ${module}: ${detail}`;
}
