import { execFileSync } from "node:child_process";
import { describe, expect, it } from "@jest/globals";
import { accelerationOf } from "../node/machine.ts";
import { type MachineOptions, qemuArguments } from "../node/qemu.ts";
import { type NodeRecipe, nodeRecipe, recipeHash } from "../node/recipe.ts";
import { shellLine, sshArguments } from "../node/remote.ts";

describe("the node's disk", () => {
  it("is the same for the same recipe, and another for any change of it", () => {
    const changes: Partial<NodeRecipe>[] = [
      { suite: "trixie" },
      { packages: [...nodeRecipe.packages, "vim"] },
      { unpacked: {} },
      { files: { ...nodeRecipe.files, "etc/hostname": "other\n" } },
      { enabled: [] },
      { masked: nodeRecipe.masked.slice(1) },
      { fileSystem: ["-t", "ext4"] },
      { diskSize: "8G" },
    ];
    const hashes = changes.map((change) => recipeHash({ ...nodeRecipe, ...change }));
    expect(recipeHash(structuredClone(nodeRecipe))).toBe(recipeHash(nodeRecipe));
    expect(new Set([recipeHash(nodeRecipe), ...hashes]).size).toBe(changes.length + 1);
  });
});

describe("the node's machine", () => {
  const options: MachineOptions = {
    acceleration: "tcg",
    kernel: "/cache/vmlinuz",
    initrd: "/cache/initrd",
    disk: "/labs/a,b/disk.qcow2",
    sshPort: 2222,
    console: "/labs/console.log",
    memoryMiB: 4096,
    processors: 2,
  };
  const given = (name: string, args = qemuArguments(options)) => args[args.indexOf(name) + 1];

  it("has one network, which leads nowhere but from the host's loopback to its SSH", () => {
    const networks = qemuArguments(options).filter((argument) => argument === "-netdev");
    expect(networks).toHaveLength(1);
    expect(given("-netdev")).toBe("user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:2222-:22");
  });

  it("takes a disk whose path has a comma", () => {
    expect(given("-drive")).toMatch(/^file=\/labs\/a,,b\/disk\.qcow2,format=qcow2,/);
  });

  it("has the host's own processor with KVM only", () => {
    expect(given("-cpu")).toBe("Nehalem,+rdrand");
    expect(given("-cpu", qemuArguments({ ...options, acceleration: "kvm" }))).toBe("host");
  });

  it("is emulated unless told otherwise", () => {
    expect(accelerationOf({})).toBe("tcg");
    expect(accelerationOf({ NODE_ACCEL: "kvm" })).toBe("kvm");
    expect(() => accelerationOf({ NODE_ACCEL: "hvf" })).toThrow("NODE_ACCEL=hvf");
  });
});

describe("a command on the node", () => {
  it("is a line of the shell when it is one word, and otherwise reaches the program as it is", () => {
    expect(shellLine(["ls | wc -l"])).toBe("ls | wc -l");
    const words = ["printf", "%s\\n", "it's", "$HOME", "a b", ""];
    const said = execFileSync("sh", ["-c", shellLine(words)], { encoding: "utf8" });
    expect(said).toBe("it's\n$HOME\na b\n\n");
  });

  it("goes to the node whose key is known, whatever a person's own configuration says", () => {
    const args = sshArguments({ port: 2222, key: "/k", knownHosts: "/known" }, ["true"]);
    expect(args.slice(0, 2)).toEqual(["-F", "/dev/null"]);
    expect(args).toEqual(
      expect.arrayContaining(["StrictHostKeyChecking=yes", "UserKnownHostsFile=/known"]),
    );
    expect(args.slice(-6)).toEqual(["-i", "/k", "-p", "2222", "root@127.0.0.1", "true"]);
  });
});
