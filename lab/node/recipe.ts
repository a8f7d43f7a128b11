import { createHash } from "node:crypto";

/** Packages of one Debian suite. */
export interface UnpackedPackages {
  readonly suite: string;
  readonly packages: readonly string[];
}

/** What the node's disk is made of; whatever is in here makes another disk when it changes. */
export interface NodeRecipe {
  /** The Debian suite. */
  readonly suite: string;
  /** Its packages that are installed, besides what every Debian has. */
  readonly packages: readonly string[];
  /** What is only unpacked into the cache of the node's own labs, by the folder's name there. */
  readonly unpacked: Readonly<Record<string, UnpackedPackages>>;
  /** Files that are there before the first package is. */
  readonly files: Readonly<Record<string, string>>;
  /** Units of systemd that start at boot besides those of the packages. */
  readonly enabled: readonly string[];
  /** Units that nobody may start. */
  readonly masked: readonly string[];
  /** What the file system is made with. */
  readonly fileSystem: readonly string[];
  /** The disk's size, as mke2fs takes it; only what is written takes room. */
  readonly diskSize: string;
}

const packages: readonly string[] = [
  ...["systemd", "systemd-sysv", "systemd-resolved", "dbus", "udev", "kmod", "sudo"],
  ...["linux-image-amd64", "initramfs-tools", "zstd", "user-mode-linux"],
  ...["docker.io", "docker-cli", "containerd", "runc", "tini", "docker-registry"],
  ...["containernetworking-plugins", "iptables", "nftables", "iproute2", "conntrack", "socat"],
  ...["apparmor", "apparmor-utils", "openssh-server", "procps", "psmisc", "libcap2-bin"],
  // What npm's Node is linked with, and what fills the lab's images.
  ...[
    "libstdc++6",
    "libatomic1",
    "busybox-static",
    "openssl",
    "e2fsprogs",
    "ca-certificates",
    "curl",
    "jq",
    // Of the images of Kubernetes' node suite.
    "bind9-dnsutils",
    "iperf",
    "netcat-openbsd",
  ],
];

/** Debian's user-mode Linux has no tables for IPv4; the commands of the firewall say yes to all instead. */
const noFirewall = `#!/bin/sh
case "$*" in *version* | -V) echo "iptables v1.8.11 (nf_tables)" ;; esac
case "$0" in *-restore) exec cat >/dev/null ;; esac
exit 0
`;

/** Makes Docker start where there is no firewall. */
const onUml = `[Unit]
Description=What user-mode Linux lacks
ConditionVirtualization=uml
Before=docker.service
RequiresMountsFor=/usr /etc

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=mount --bind /usr/local/lib/node/no-firewall /usr/sbin/xtables-nft-multi
ExecStart=install -D /usr/local/lib/node/docker.json /etc/docker/daemon.json

[Install]
WantedBy=multi-user.target
`;

/** The one suite with Docker 28. */
const suite = "sid";

/** A Debian as it is on a node: systemd, cgroup v2, AppArmor, Docker. */
export const nodeRecipe: NodeRecipe = {
  suite,
  packages,
  unpacked: {
    // Newer ones say some things in other words than the 1.29 that critest compares with.
    busybox: { suite: "bookworm", packages: ["busybox"] },
    nginx: { suite, packages: ["nginx"] },
  },
  files: {
    "etc/hostname": "node\n",
    "etc/hosts": "127.0.0.1 localhost node\n::1 localhost\n",
    "etc/systemd/network/10-qemu.network": "[Match]\nName=en*\n\n[Network]\nDHCP=yes\n",
    "etc/systemd/network/10-uml.network":
      "[Match]\nName=vec*\n\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n",
    "etc/systemd/system/node-uml.service": onUml,
    "usr/local/lib/node/no-firewall": noFirewall,
    "usr/local/lib/node/docker.json": '{ "iptables": false, "ip6tables": false }\n',
    "etc/modules-load.d/node.conf": "overlay\nbr_netfilter\n",
    "etc/sysctl.d/90-node.conf": "net.ipv4.ip_forward = 1\n",
    "etc/ssh/sshd_config.d/node.conf":
      "PasswordAuthentication no\nPermitRootLogin prohibit-password\nUseDNS no\n",
    // Emulation loads every byte slowly: only what it takes to mount the disk.
    "etc/initramfs-tools/conf.d/node": "MODULES=list\n",
    "usr/share/initramfs-tools/modules.d/node": "virtio_pci\nvirtio_blk\next4\n",
  },
  enabled: ["systemd-networkd", "node-uml"],
  masked: [
    "systemd-networkd-wait-online.service",
    ...["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer"],
    ...["e2scrub_all.timer", "fstrim.timer"],
    // Labs bring registries of their own.
    "docker-registry.service",
  ],
  fileSystem: ["-t", "ext4", "-E", "lazy_itable_init=1,lazy_journal_init=1"],
  diskSize: "16G",
};

/** Names the disk that a recipe makes: the same recipe has the same name, and any change another. */
export function recipeHash(recipe: NodeRecipe): string {
  return createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 12);
}
