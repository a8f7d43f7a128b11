import { existsSync } from "node:fs";
import { SecurityProfile_ProfileType as ProfileType } from "@dockershim/cri-types";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

const here = existsSync("/sys/kernel/security/apparmor/profiles");

(here ? describe : describe.skip)("AppArmor profiles (where the kernel has them)", () => {
  let h: Harness;
  beforeAll(async () => {
    h = await createHarness();
  });
  afterAll(() => h.close());

  const localhost = (localhostRef: string) => ({
    apparmor: { profileType: ProfileType.Localhost, localhostRef },
  });
  const refusal =
    /config\.linux\.security_context\.apparmor: profile "not-loaded" is not loaded on this node/;

  test("one that is loaded confines the container", async () => {
    const securityContext = localhost("docker-default");
    const { containerId } = await h.runPod({}, { linux: { securityContext } });
    const cmd = ["cat", "/proc/self/attr/current"];
    const { stdout } = await h.cri.runtime.execSync({ containerId, cmd, timeout: 60n });
    expect(new TextDecoder().decode(stdout)).toMatch(/^docker-default/);
  });

  test("one that is not loaded is refused when the container is created", async () => {
    const before = await h.dockerIds();
    const config = h.sandboxConfig();
    const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config });
    const creating = (securityContext: object) =>
      h.cri.runtime.createContainer({
        podSandboxId,
        sandboxConfig: config,
        config: h.containerConfig({ linux: { securityContext } }),
      });
    await expect(creating(localhost("not-loaded"))).rejects.toThrow(refusal);
    await expect(creating({ apparmorProfile: "localhost/not-loaded" })).rejects.toThrow(refusal);
    expect(await h.dockerIds()).toHaveLength(before.length + 1);
  });

  test("one that is not loaded is refused when the sandbox is run", async () => {
    const before = await h.dockerIds();
    const config = h.sandboxConfig({ linux: { securityContext: localhost("not-loaded") } });
    await expect(h.cri.runtime.runPodSandbox({ config })).rejects.toThrow(refusal);
    expect(await h.dockerIds()).toEqual(before);
  });
});
