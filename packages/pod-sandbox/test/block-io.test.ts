import { expect, test } from "@jest/globals";
import { toBlockIoFields } from "../src/block-io.js";
import { parseBlockIoClasses } from "../src/index.js";

const config = {
  Classes: {
    slow: [
      { Weight: 50 },
      { Devices: ["/dev/sd*", "/dev/vd?"], ThrottleReadBps: "60M", ThrottleWriteBps: "1.5Mi" },
      { Devices: ["/dev/sda"], Weight: "400", ThrottleReadBps: "2k", ThrottleReadIOPS: 10 },
    ],
    fast: [{ Weight: "400" }],
    plain: [],
  },
};
const devicesOf = new Map([
  ["/dev/sd*", ["/dev/sda", "/dev/sdb"]],
  ["/dev/sda", ["/dev/sda"]],
]);

test("a class becomes Docker's options, in which the last rule about a device holds", () => {
  const classes = parseBlockIoClasses(config);
  expect(toBlockIoFields(classes.get("slow") ?? [], devicesOf)).toEqual({
    BlkioWeight: 50,
    BlkioWeightDevice: [{ Path: "/dev/sda", Weight: 400 }],
    BlkioDeviceReadBps: [
      { Path: "/dev/sda", Rate: 2_000 },
      { Path: "/dev/sdb", Rate: 60_000_000 },
    ],
    BlkioDeviceWriteBps: [
      { Path: "/dev/sda", Rate: 1_572_864 },
      { Path: "/dev/sdb", Rate: 1_572_864 },
    ],
    BlkioDeviceReadIOps: [{ Path: "/dev/sda", Rate: 10 }],
  });
  expect(toBlockIoFields(classes.get("fast") ?? [], devicesOf)).toEqual({ BlkioWeight: 400 });
  expect(toBlockIoFields(classes.get("plain") ?? [], devicesOf)).toEqual({});
});

test("an empty file has no classes", () => {
  expect(parseBlockIoClasses(null)).toEqual(new Map());
});

test.each<[unknown, string]>([
  [[], "the file: is no object"],
  [{ classes: {} }, 'the file: has the unknown key "classes"'],
  [{ Classes: { a: {} } }, "Classes.a: is no list"],
  [{ Classes: { a: [{ Speed: 1 }] } }, 'Classes.a[0]: has the unknown key "Speed"'],
  [{ Classes: { a: [{ Weight: 5 }] } }, "Classes.a[0].Weight: is not from 10 to 1000: 5"],
  [{ Classes: { a: [{ Weight: "x" }] } }, "Classes.a[0].Weight: is no quantity such as 60M: x"],
  [
    { Classes: { a: [{ Devices: ["/dev/sda"], ThrottleReadBps: "-1" }] } },
    "Classes.a[0].ThrottleReadBps: is no quantity such as 60M: -1",
  ],
  [
    { Classes: { a: [{ ThrottleReadBps: "1M" }] } },
    "Classes.a[0]: throttles, and names no Devices",
  ],
  [
    { Classes: { a: [{ Devices: ["sda"], ThrottleReadBps: "1M" }] } },
    "Classes.a[0].Devices: is no list of absolute paths",
  ],
])("%j is refused", (file, message) => {
  expect(() => parseBlockIoClasses(file)).toThrow(message);
});
