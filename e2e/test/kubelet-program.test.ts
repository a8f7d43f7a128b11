import { describe, expect, it } from "@jest/globals";
import { kubeletScript, withFrequency } from "../kubelet-program.ts";

describe("a kubelet where the processor tells no frequency", () => {
  it("is shown one for each processor, and all else as it is", () => {
    const told = "processor\t: 0\nmodel name\t: UML\n\nprocessor\t: 1\nmodel name\t: UML\n";
    expect(withFrequency(told)).toBe(
      "processor\t: 0\ncpu MHz\t\t: 1000.000\nmodel name\t: UML\n\n" +
        "processor\t: 1\ncpu MHz\t\t: 1000.000\nmodel name\t: UML\n",
    );
  });

  it("is started with its own arguments", () => {
    const script = kubeletScript("/cache/it's/kubelet", "/run/kubelet.cpuinfo");
    expect(script).toMatch(/^#!\/bin\/sh\nexec unshare --mount --propagation unchanged /);
    expect(script).toMatch(/ \/run\/kubelet\.cpuinfo '\/cache\/it'\\''s\/kubelet' "\$@"\n$/);
  });
});
