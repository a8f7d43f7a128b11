// Makes a node of the machine that it runs on, of what systemd starts by itself after a reboot: the machine's own
// Docker, the daemon as its .deb sets it up, and a kubelet. Called by reboot.ts, in a virtual machine.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../lab/command.ts";
import { runCommandLine } from "../../lab/command-line.ts";
import { labConfig } from "../../lab/config.ts";
import { busyboxImage, importImage } from "../../lab/images.ts";
import { writeCniConfig } from "../../lab/network.ts";
import { kubeletConfig } from "../kubelet-config.ts";
import { installKubelet } from "../kubelet-program.ts";
import { kubernetesPrograms } from "../programs.ts";
import { manifests, type NodePlan } from "./node-plan.ts";

const unit = `[Unit]
Description=Kubelet
Wants=dockershim.service network-online.target
After=dockershim.service network-online.target

[Service]
ExecStart=/usr/local/bin/kubelet FLAGS
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
`;

async function setUp({ name, address, deb, kubeconfig, cluster }: NodePlan): Promise<void> {
  const config = labConfig();
  const cniIpamDir = "/var/lib/cni/networks";
  writeCniConfig(
    { cniConfDir: "/etc/cni/net.d", cniIpamDir },
    { bridge: "pods0", subnet: "10.88.0.0/24" },
  );
  await importImage(
    { ...config, dockerSocket: "/run/docker.sock", stateDir: "/var/tmp" },
    busyboxImage,
  );
  await command("dpkg", ["--install", deb]);

  const { kubelet } = await kubernetesPrograms(config, ["kubelet"]);
  installKubelet(kubelet, "/usr/local/bin/kubelet");
  const folder = "/var/lib/kubelet";
  const configFile = join(folder, "config.json");
  mkdirSync(manifests, { recursive: true });
  mkdirSync(folder, { recursive: true });
  const settings = kubeletConfig({
    folder,
    manifests,
    endpoint: "unix:///run/dockershim/dockershim.sock",
    address,
    port: 10250,
    healthPort: 10248,
    cgroup: "",
    choices: {},
    cluster,
  });
  writeFileSync(configFile, JSON.stringify(settings));
  const flags = {
    config: configFile,
    kubeconfig,
    "node-ip": address,
    "hostname-override": name,
    v: 2,
  };
  const line = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  writeFileSync("/etc/systemd/system/kubelet.service", unit.replace("FLAGS", line.join(" ")));
  await command("systemctl", ["enable", "kubelet"]);
  await command("systemctl", ["restart", "kubelet"]);
}

await runCommandLine("node", async () => {
  await setUp(JSON.parse(process.argv[2] ?? ""));
  return 0;
});
