import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import type { NodeMachine } from "../node/accelerator.ts";
import { accelerationOf } from "../node/machine.ts";
import { qemuArguments } from "../node/qemu.ts";
import { type NodeRecipe, nodeRecipe, recipeHash } from "../node/recipe.ts";
import { greets, shellLine, sshArguments } from "../node/remote.ts";
import { umlArguments, umlStarter } from "../node/uml.ts";

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

const machine: NodeMachine = {
  image: {
    disk: "/cache/disk.img",
    kernel: "/cache/vmlinuz",
    initrd: "/cache/initrd",
    uml: "/cache/uml",
    key: "/cache/key",
    hostKey: "ssh-ed25519 AAAA",
  },
  disk: "/labs/a,b/disk",
  console: "/labs/console.log",
  folder: "/labs/node",
  memoryMiB: 4096,
  processors: 2,
};

describe("the node's machine", () => {
  it("is user-mode Linux unless told otherwise", () => {
    expect(accelerationOf({})).toBe("uml");
    for (const choice of ["uml", "tcg", "kvm"]) {
      expect(accelerationOf({ NODE_ACCEL: choice })).toBe(choice);
    }
    for (const choice of ["hvf", "toString"]) {
      expect(() => accelerationOf({ NODE_ACCEL: choice })).toThrow(`NODE_ACCEL=${choice}`);
    }
  });
});

describe("the node on QEMU", () => {
  const given = (name: string, args = qemuArguments("tcg", machine, 2222)) =>
    args[args.indexOf(name) + 1];

  it("has one network, which leads nowhere but from the host's loopback to its SSH", () => {
    const networks = qemuArguments("tcg", machine, 2222).filter((word) => word === "-netdev");
    expect(networks).toHaveLength(1);
    expect(given("-netdev")).toBe("user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:2222-:22");
  });

  it("takes a disk whose path has a comma", () => {
    expect(given("-drive")).toMatch(/^file=\/labs\/a,,b\/disk,format=qcow2,/);
  });

  it("has the host's own processor with KVM only", () => {
    expect(given("-cpu")).toBe("Nehalem,+rdrand");
    expect(given("-cpu", qemuArguments("kvm", machine, 2222))).toBe("host");
  });
});

describe("the node on user-mode Linux", () => {
  it("gets its disk and memory, and one interface", () => {
    const words = umlArguments(machine);
    expect(words).toEqual(expect.arrayContaining(["ubd0=/labs/a,b/disk", "mem=4096M"]));
    expect(words.filter((word) => /^vec\d/.test(word))).toEqual([
      "vec0:transport=tap,ifname=tap0,depth=128,gro=1",
    ]);
  });

  it("has nothing open at a reboot that it had before, and starts as the same again", () => {
    const folder = mkdtempSync(join(tmpdir(), "uml-"));
    const kernel = join(folder, "linux.uml");
    // A shell script cannot tell what it was called as, but /proc can: bash is what stands in for the kernel.
    symlinkSync("/bin/bash", kernel);
    const told = 'tr "\\0" "\\n" </proc/$$/cmdline | head -1; ls /proc/$$/fd';
    const lines = execFileSync(
      "bash",
      ["-c", 'exec 9</dev/null 14</dev/null; exec "$0" -c "$1"', umlStarter, told],
      { encoding: "utf8", env: { ...process.env, UML: folder } },
    ).split("\n");
    rmSync(folder, { recursive: true });
    expect(lines[0]).toBe(umlStarter);
    expect(lines).not.toEqual(expect.arrayContaining(["9"]));
    expect(lines).not.toEqual(expect.arrayContaining(["14"]));
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
    const reach = ["reach", "a b", "%h"];
    const args = sshArguments({ reach, key: "/k", knownHosts: "/known" }, ["true"]);
    expect(args.slice(0, 2)).toEqual(["-F", "/dev/null"]);
    expect(args).toEqual(
      expect.arrayContaining([
        "StrictHostKeyChecking=yes",
        "UserKnownHostsFile=/known",
        "ProxyCommand=reach 'a b' %%h",
      ]),
    );
    expect(args.slice(-4)).toEqual(["-i", "/k", "root@node", "true"]);
  });

  it("can be run once the SSH at the other end has said its name", async () => {
    expect(await greets(["sh", "-c", "echo SSH-2.0-x; cat"])).toBe(true);
    expect(await greets(["sh", "-c", "echo HTTP/1.1"])).toBe(false);
    expect(await greets(["false"])).toBe(false);
    expect(await greets(["/none/such"])).toBe(false);
  });
});
