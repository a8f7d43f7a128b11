import { describe, expect, test } from "@jest/globals";
import { asImageId, digestedReference, familiarReference } from "../src/state/image-reference.js";

const hex = "a".repeat(64);

describe("image references", () => {
  test.each([
    ["busybox", "busybox:latest"],
    ["busybox:1.37", "busybox:1.37"],
    ["docker.io/library/busybox", "busybox:latest"],
    ["index.docker.io/library/busybox:1", "busybox:1"],
    ["docker.io/grafana/loki:3", "grafana/loki:3"],
    ["library/busybox", "busybox:latest"],
    ["localhost:5000/a/b", "localhost:5000/a/b:latest"],
    ["localhost:5000/a:v1", "localhost:5000/a:v1"],
    ["registry.k8s.io/library/x", "registry.k8s.io/library/x:latest"],
    [`busybox@sha256:${hex}`, `busybox@sha256:${hex}`],
    [`docker.io/library/busybox:1.37@sha256:${hex}`, `busybox@sha256:${hex}`],
  ])("%s is known to Docker as %s", (given, familiar) => {
    expect(familiarReference(given)).toBe(familiar);
  });

  test.each([
    ["docker.io/library/web:1", "web@sha256:2"],
    ["other.example/web", "other.example/web@sha256:1"],
    [`sha256:${hex}`, "other.example/web@sha256:1"],
  ])("an image asked for as %s is %s by digest", (asked, digested) => {
    const image = { Id: "id", RepoDigests: ["other.example/web@sha256:1", "web@sha256:2"] };
    expect(digestedReference(image, asked)).toBe(digested);
    expect(digestedReference({ Id: "id", RepoDigests: [] }, asked)).toBe("id");
  });

  test.each([
    [hex, `sha256:${hex}`],
    [`sha256:${hex}`, `sha256:${hex}`],
    ["busybox", undefined],
    [hex.slice(1), undefined],
  ])("%s as an image id is %s", (given, id) => {
    expect(asImageId(given)).toBe(id);
  });
});
