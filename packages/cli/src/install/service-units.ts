/** How systemd runs a daemon. */
export interface ServiceNames {
  /** Name of both units, without what they end in. */
  readonly unit: string;
  /** The service's command line. */
  readonly command: string;
  /** Where CRI is answered, and the mode of that socket. */
  readonly socket: string;
  readonly socketMode: string;
  /** Name of its file in /etc/default. */
  readonly defaults: string;
  /** Whether Node keeps compiled code between starts; an executable has its own in it. */
  readonly hasCompileCache?: boolean;
}

/** The service unit: wherever the daemon comes from, it is run the same way. */
export function serviceUnit(names: ServiceNames): string {
  const { unit, command, defaults, hasCompileCache = false } = names;
  return `[Unit]
Description=dockershim: Kubernetes' Container Runtime Interface on Docker
Documentation=man:dockershim(8) man:dockershim-serve(8)
Requires=${unit}.socket
Wants=docker.service
After=${unit}.socket docker.service network-online.target
Before=kubelet.service
# However often it fails: a service that is given up takes its socket with it, and the node has no runtime any more.
StartLimitIntervalSec=0

[Service]
Type=notify
EnvironmentFile=-/etc/default/${defaults}
ExecStart=${command}
ExecReload=/bin/kill -HUP $MAINPID
${hasCompileCache ? compileCache : ""}Restart=always
RestartSec=1
# Its event loop tells twice a minute that it turns.
WatchdogSec=60
# It ends within 5 s of SIGTERM; pods are Docker's and run on.
TimeoutStopSec=10
# When the node runs out of memory, pods go first.
OOMScoreAdjust=-999
LimitNOFILE=1048576
TasksMax=infinity

# CNI plugins are its children and set networks up, and pods' folders may be anywhere, so nothing here
# gives it a view of files, devices or networks of its own.
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=~@clock @cpu-emulation @obsolete @raw-io @reboot @swap
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=~CAP_AUDIT_CONTROL CAP_AUDIT_READ CAP_AUDIT_WRITE CAP_BLOCK_SUSPEND CAP_LEASE
CapabilityBoundingSet=~CAP_MAC_ADMIN CAP_MAC_OVERRIDE CAP_SYS_BOOT CAP_SYS_PACCT CAP_SYS_RAWIO
CapabilityBoundingSet=~CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_SYSLOG CAP_WAKE_ALARM

[Install]
WantedBy=multi-user.target
`;
}

const compileCache = `# Compiled code is kept between starts, which saves a seventh of a start's CPU time.
CacheDirectory=dockershim
Environment=NODE_COMPILE_CACHE=/var/cache/dockershim
`;

/** The socket unit, which keeps the kubelet's calls while the daemon restarts. */
export function socketUnit({ socket, socketMode }: ServiceNames): string {
  return `[Unit]
Description=dockershim's CRI socket

[Socket]
# The kubelet's containerRuntimeEndpoint. While the daemon restarts, calls wait here.
ListenStream=${socket}
SocketMode=${socketMode}
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
`;
}

/** What stands in /etc/default/dockershim. */
export const defaultsText = `# Further options of \`dockershim serve\`, before those of /etc/dockershim/config.yaml. An example:
# DOCKERSHIM_OPTS="--log-level debug"
DOCKERSHIM_OPTS=""
`;

/** The configuration as it is installed: CNI plugins are looked for where distributions put them, too. */
export function installedConfigText(text: string): string {
  const option = "#cniBinDirs: [/opt/cni/bin]";
  if (!text.includes(option)) throw new Error(`the configuration lacks ${option}`);
  return text.replace(option, "cniBinDirs: [/opt/cni/bin, /usr/lib/cni, /usr/libexec/cni]");
}
