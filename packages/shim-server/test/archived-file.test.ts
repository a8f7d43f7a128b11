import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { DockerClient } from "@dockershim/docker-client";
import { DockerError } from "@dockershim/docker-client";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { firstFile, hasArchivedPath, readArchivedFile } from "../src/image/archived-file.js";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "archive-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

function tarOf(name: string, text: string, ...options: string[]): Buffer {
  writeFileSync(join(dir, name), text);
  return execFileSync("tar", ["-C", dir, ...options, "-c", name]);
}

describe("the first file of an archive", () => {
  test("is found whole, whatever its size", () => {
    for (const size of [0, 1, 511, 512, 513, 5000]) {
      expect(firstFile(tarOf("passwd", "x".repeat(size)))).toBe("x".repeat(size));
    }
  });

  test("is found behind the headers of a long name and of extended attributes", () => {
    const name = `${"n".repeat(150)}.txt`;
    expect(firstFile(tarOf(name, "gnu\n", "--format=gnu"))).toBe("gnu\n");
    expect(firstFile(tarOf(name, "pax\n", "--format=pax"))).toBe("pax\n");
  });

  test("is undefined in an archive of folders, in an empty one and in what is none", () => {
    expect(
      firstFile(execFileSync("tar", ["-C", dir, "--exclude=*.txt", "--no-recursion", "-c", "."])),
    ).toBeUndefined();
    expect(firstFile(Buffer.alloc(10_240))).toBeUndefined();
    expect(firstFile(Buffer.alloc(1024, "no tar "))).toBeUndefined();
  });
});

describe("a file in a container", () => {
  const signal = new AbortController().signal;
  const stat = { name: "", size: 0, mode: 0, mtime: "", linkTarget: "" };

  /** An engine with files and symbolic links (text that starts with `->`) by path. */
  function engine(entries: Readonly<Record<string, string>>): Pick<DockerClient, "containers"> {
    const getArchive = async (_id: string, path: string) => {
      const text = entries[path];
      if (text === undefined) {
        const engineMessage = `no ${path}`;
        throw new DockerError({ code: "not_found", operation: "getArchive", engineMessage });
      }
      if (text.startsWith("->")) {
        return { stat: { ...stat, linkTarget: text.slice(2) }, tar: Readable.from([]) };
      }
      return { stat, tar: Readable.from([tarOf("file", text)]) };
    };
    return { containers: { getArchive } } as unknown as Pick<DockerClient, "containers">;
  }
  const read = (entries: Record<string, string>) =>
    readArchivedFile(engine(entries), "id", "/etc/passwd", signal);

  test("is read through absolute and relative links", async () => {
    expect(await read({ "/etc/passwd": "here" })).toBe("here");
    expect(await read({ "/etc/passwd": "->/usr/passwd", "/usr/passwd": "there" })).toBe("there");
    expect(await read({ "/etc/passwd": "->p/q", "/etc/p/q": "below" })).toBe("below");
  });

  test("is undefined where it is missing, or its links lead nowhere or in a circle", async () => {
    expect(await read({})).toBeUndefined();
    expect(await read({ "/etc/passwd": "->/none" })).toBeUndefined();
    expect(await read({ "/etc/passwd": "->/etc/passwd" })).toBeUndefined();
  });

  test("is not called missing when the container is", async () => {
    const getArchive = async () => {
      const engineMessage = "No such container: id";
      throw new DockerError({ code: "not_found", operation: "getArchive", engineMessage });
    };
    const docker = { containers: { getArchive } } as unknown as Pick<DockerClient, "containers">;
    await expect(readArchivedFile(docker, "id", "/etc/passwd", signal)).rejects.toThrow(
      /container/,
    );
    await expect(hasArchivedPath(docker, "id", "/etc", signal)).rejects.toThrow(/container/);
  });

  test("is told to be there or not", async () => {
    const docker = engine({ "/etc": "folder" });
    expect(await hasArchivedPath(docker, "id", "/etc", signal)).toBe(true);
    expect(await hasArchivedPath(docker, "id", "/opt", signal)).toBe(false);
  });
});
