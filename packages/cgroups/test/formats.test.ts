import { describe, expect, test } from "@jest/globals";
import { createSource } from "../src/controller-source.js";
import { readIo } from "../src/io.js";
import { parseMountInfo } from "../src/mount-info.js";
import { countCpuList, countLines, parseCount, parseFlatKeyed, parseLimit } from "../src/parse.js";

describe("parseCount", () => {
  test.each<[string | undefined, bigint | undefined]>([
    ["0\n", 0n],
    ["18446744073709551615\n", 18_446_744_073_709_551_615n],
    ["7", 7n],
    ["", undefined],
    ["\n", undefined],
    ["-1\n", undefined],
    ["max\n", undefined],
    ["1 2\n", undefined],
    [undefined, undefined],
  ])("%j is %s", (text, expected) => {
    expect(parseCount(text)).toBe(expected);
  });
});

test("a limit of a few exabytes is still a limit", () => {
  expect(parseLimit("4611686018427387903\n")).toBe(4_611_686_018_427_387_903n);
  expect(parseLimit("4611686018427387904\n")).toBeUndefined();
});

test("flat keyed files give the wanted keys, whole keys only", () => {
  const text = "file 1\nfile_mapped 2\nanon 3\nodd\nbad x\nlast 4";
  expect([...parseFlatKeyed(text, new Set(["file", "bad", "odd", "last", "missing"]))]).toEqual([
    ["file", 1n],
    ["last", 4n],
  ]);
});

test.each<[string, number | undefined]>([
  ["0\n", 1],
  ["0-3,7\n", 5],
  ["0-1,4-5,9", 5],
  ["\n", undefined],
  ["3-1", undefined],
  ["all", undefined],
])("the processor list %j names %p", (text, expected) => {
  expect(countCpuList(text)).toBe(expected);
});

test("lines are counted with and without a last line end", () => {
  expect(["", "1\n", "1\n2", "1\n2\n"].map(countLines)).toEqual([0, 1, 2, 2]);
});

test("mount points have their escapes undone and any number of optional fields", () => {
  expect(
    parseMountInfo(
      "1 0 0:1 / /a\\040b\\134c rw shared:1 master:2 - ext4 /dev/x rw,noatime\nnonsense\n",
    ),
  ).toEqual([
    {
      root: "/",
      mountPoint: "/a b\\c",
      fsType: "ext4",
      source: "/dev/x",
      superOptions: ["rw", "noatime"],
    },
  ]);
});

describe("block I/O", () => {
  const source = (version: 1 | 2, texts: Record<string, string>) =>
    createSource(
      { version, directory: "/nowhere" },
      { read: (_directory, file) => texts[file], close() {} },
    );

  test("v2 devices that did nothing and keys that are not known are left out", () => {
    const io = readIo(
      source(2, {
        "io.stat":
          "7:0\n8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.usage=9\n8:0 rbytes=8\n",
      }),
    );
    expect(io?.devices).toEqual([
      {
        major: 8,
        minor: 16,
        readBytes: 1n,
        writeBytes: 2n,
        reads: 3n,
        writes: 4n,
        discardBytes: 5n,
        discards: 6n,
      },
      {
        major: 8,
        minor: 0,
        readBytes: 8n,
        writeBytes: 0n,
        reads: 0n,
        writes: 0n,
        discardBytes: 0n,
        discards: 0n,
      },
    ]);
  });

  test("v1 takes the recursive files, else those of the cgroup, else those of the CFQ scheduler", () => {
    const files = {
      "blkio.io_service_bytes": "8:0 Read 1\nTotal 1\n",
      "blkio.io_serviced": "8:0 Read 1\nTotal 1\n",
      "blkio.throttle.io_service_bytes": "8:0 Read 2\nTotal 2\n",
      "blkio.throttle.io_serviced": "8:0 Read 2\nTotal 2\n",
      "blkio.throttle.io_service_bytes_recursive": "8:0 Read 3\nTotal 3\n",
      "blkio.throttle.io_serviced_recursive": "8:0 Read 3\nTotal 3\n",
    };
    const readBytes = () => readIo(source(1, files))?.devices[0]?.readBytes;
    expect(readBytes()).toBe(3n);
    delete (files as Record<string, string>)["blkio.throttle.io_service_bytes_recursive"];
    expect(readBytes()).toBe(2n);
    delete (files as Record<string, string>)["blkio.throttle.io_service_bytes"];
    expect(readBytes()).toBe(1n);
    delete (files as Record<string, string>)["blkio.io_serviced"];
    expect(readIo(source(1, files))).toBeUndefined();
  });

  test("a cgroup without I/O has no devices", () => {
    expect(readIo(source(2, { "io.stat": "" }))).toEqual({ devices: [] });
    expect(readIo(source(2, {}))).toBeUndefined();
  });
});
