import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { addText } from "../../lab/rootfs.ts";

/** Where the stand-ins note their calls, a line each. */
export const systemdCalls = "tmp/calls";

/**
 * Gives a root file system of Debian's package manager programs of systemd that only write down what they are asked, and
 * mask units as `deb-systemd-helper` does.
 */
export function addSystemdStandIn(root: string): void {
  mkdirSync(join(root, "run/systemd/system"), { recursive: true });
  mkdirSync(join(root, "etc/systemd/system"), { recursive: true });
  const note = `#!/bin/sh\necho "$(basename "$0") $*" >> /${systemdCalls}\n`;
  const masks = `case $1 in
  mask) ln -sf /dev/null /etc/systemd/system/$2 ;;
  unmask) rm -f /etc/systemd/system/$2 ;;
esac
`;
  const programs = {
    systemctl: note,
    "deb-systemd-invoke": note,
    "deb-systemd-helper": `${note}${masks}`,
  };
  for (const [name, text] of Object.entries(programs)) {
    addText(root, `bin/${name}`, text);
    chmodSync(join(root, "bin", name), 0o755);
  }
}
