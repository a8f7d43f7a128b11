/** What may be other than usual. */
export interface KubeletChoices {
  readonly featureGates?: Readonly<Record<string, boolean>>;
  /** The longest pause before a container that fails again and again is started anew, such as "1s"; else 5 minutes. */
  readonly longestRestartPause?: string;
  /** Looks after sizes of logs every three seconds; else every ten, for 10Mi and five files. */
  readonly logRotation?: {
    /** Such as "1Mi". */
    readonly maxSize: string;
    /** How many files of one container are kept. */
    readonly maxFiles: number;
  };
}

/** What a kubelet needs to know of its node. */
export interface KubeletSettings {
  /** The kubelet's own folder: of its state, its pods' volumes and their logs. */
  readonly folder: string;
  /** Where it reads static pods from. */
  readonly manifests: string;
  /** The runtime, as `unix:///path`. */
  readonly endpoint: string;
  /** An address of this machine that is not loopback; the kubelet listens there only. */
  readonly address: string;
  readonly port: number;
  /** Where it tells on 127.0.0.1 that it is well. */
  readonly healthPort: number;
  /** The cgroup below which pods get theirs; it exists. */
  readonly cgroup: string;
  readonly choices: KubeletChoices;
  /** The control plane that it takes pods from; static pods alone without it. */
  readonly cluster?: KubeletCluster;
}

/** How a kubelet and its control plane know each other. */
export interface KubeletCluster {
  /** Who may call the kubelet: certificates that this authority (a PEM file) signed. */
  readonly clientCa: string;
  readonly certificate: string;
  readonly key: string;
}

/**
 * A kubelet's configuration, for a node that may have neither systemd nor cgroup v2, and that shares its disk and
 * its memory with everything else on the machine: nothing is evicted and no image is removed.
 */
export function kubeletConfig(settings: KubeletSettings): object {
  const { cluster, choices } = settings;
  const { longestRestartPause, logRotation } = choices;
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    containerRuntimeEndpoint: settings.endpoint,
    staticPodPath: settings.manifests,
    podLogsDir: `${settings.folder}/pod-logs`,
    volumePluginDir: `${settings.folder}/volume-plugins`,
    address: settings.address,
    port: settings.port,
    healthzPort: settings.healthPort,
    cgroupRoot: `/${settings.cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    // The firewall is the machine's own.
    makeIPTablesUtilChains: false,
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: {
      "memory.available": "10Mi",
      "nodefs.available": "1%",
      "nodefs.inodesFree": "1%",
      "imagefs.available": "1%",
      "imagefs.inodesFree": "1%",
    },
    ...(longestRestartPause === undefined
      ? {}
      : { crashLoopBackOff: { maxContainerRestartPeriod: longestRestartPause } }),
    ...(logRotation === undefined
      ? {}
      : {
          containerLogMaxSize: logRotation.maxSize,
          containerLogMaxFiles: logRotation.maxFiles,
          containerLogMonitorInterval: "3s",
        }),
    featureGates: {
      KubeletCrashLoopBackOffMax: longestRestartPause !== undefined,
      ...choices.featureGates,
    },
    ...(cluster === undefined
      ? {
          // Only this machine reaches the address.
          authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
          authorization: { mode: "AlwaysAllow" },
          enableControllerAttachDetach: false,
        }
      : {
          authentication: {
            anonymous: { enabled: false },
            webhook: { enabled: true },
            x509: { clientCAFile: cluster.clientCa },
          },
          authorization: { mode: "Webhook" },
          tlsCertFile: cluster.certificate,
          tlsPrivateKeyFile: cluster.key,
        }),
  };
}
