import { describe, expect, test } from "@jest/globals";
import { overlayLayers, overlayMount, volumesBehind } from "../src/spec-hook/root-mount.js";

const line = (root: string, options: string, type = "overlay") =>
  `36 27 0:43 / ${root} rw,relatime shared:55 - ${type} overlay ${options}`;

describe("an overlay that is mounted again", () => {
  test("is made of the layers of overlay2, by the links that it has for them", () => {
    const root = "/docker/overlay2/id/merged";
    const table = [
      line(root, "rw,lowerdir=/old,upperdir=/old,workdir=/old"),
      line(`${root}/below`, "rw", "tmpfs"),
      line(
        root,
        "rw,seclabel,lowerdir=/docker/overlay2/l/A:/docker/overlay2/l/B,upperdir=/docker/overlay2/id/diff,workdir=/docker/overlay2/id/work,index=off,metacopy=on",
      ),
    ].join("\n");
    expect(overlayMount(overlayLayers(root, table))).toEqual({
      layers: "/docker/overlay2",
      options:
        "lowerdir=l/A:l/B,upperdir=/docker/overlay2/id/diff,workdir=/docker/overlay2/id/work,index=off,metacopy=on",
    });
  });

  test("is made of a single snapshot of containerd's", () => {
    const snapshots = "/docker/snapshots";
    const options = `rw,lowerdir=${snapshots}/1/fs,upperdir=${snapshots}/7/fs,workdir=${snapshots}/7/work`;
    expect(overlayMount(overlayLayers("/r", line("/r", options)))).toMatchObject({
      layers: snapshots,
      options: `lowerdir=1/fs,upperdir=${snapshots}/7/fs,workdir=${snapshots}/7/work`,
    });
  });

  test("is made of so many layers that the engine has to name them by the folder they are in", () => {
    const root = "/docker/overlay2/id/merged";
    const options = "rw,lowerdir=l/A:l/B,upperdir=id/diff,workdir=id/work";
    expect(overlayMount(overlayLayers(root, line(root, options)))).toEqual({
      layers: "/docker/overlay2",
      options:
        "lowerdir=l/A:l/B,upperdir=/docker/overlay2/id/diff,workdir=/docker/overlay2/id/work",
    });
  });

  test.each([
    ["nothing is mounted", line("/other", "rw"), /is no overlay: it is not mounted/],
    ["something else is", line("/r", "rw", "zfs"), /is no overlay: it is zfs/],
    ["it has no upper layer", line("/r", "ro,lowerdir=/a:/b"), /no upperdir/],
    ["its paths are escaped", line("/r", "rw,lowerdir=/a\\134:b"), /odd characters/],
  ])("is refused where %s", (_what, table, reason) => {
    expect(() => overlayLayers("/r", table)).toThrow(reason);
  });

  test("is refused where the kernel would not take that many layers", () => {
    const lower = Array.from({ length: 500 }, (_, layer) => `/docker/snapshots/${layer}/fs`);
    const layers = { lower, upper: "/docker/u", work: "/docker/w", rest: [] };
    expect(() => overlayMount(layers)).toThrow(/too many layers \(500\)/);
  });
});

test("volumes are told by the overlays behind their mounts, or behind parts of them", () => {
  const mounted = (device: string, path: string, place: string, type = "overlay") =>
    `36 27 ${device} ${path} ${place} rw shared:55 - ${type} overlay rw,lowerdir=/a`;
  const table = [
    mounted("0:7", "/", "/docker/7/merged"),
    mounted("0:8", "/", "/docker/8/merged"),
    mounted("0:8", "/usr/a\\040b", "/docker/tmp/safe-mount1"),
    mounted("0:8", "/etc/passwd", "/docker/tmp/safe-mount2"),
    mounted("0:9", "/etc", "/docker/tmp/safe-mount3"),
    mounted("0:7", "/", "/plain", "ext4"),
  ].join("\n");
  const sources = ["1", "2", "3"].map((name) => `/docker/tmp/safe-mount${name}`);
  expect(volumesBehind([...sources, "/docker/7/merged", "/plain", "/none", ""], table)).toEqual([
    {
      root: "/docker/8/merged",
      parts: [
        { place: "/docker/tmp/safe-mount1", path: "/usr/a b" },
        { place: "/docker/tmp/safe-mount2", path: "/etc/passwd" },
      ],
    },
    { root: "/docker/7/merged", parts: [] },
  ]);
});
