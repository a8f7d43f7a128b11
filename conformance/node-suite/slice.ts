/** The specs of the suite that reach the runtime most, as regular expressions of their names. */
export const slice: readonly string[] = [
  // Processes: what they are started with, how they end, and what is told of it.
  String.raw`\] Containers should `,
  String.raw`\] Container Runtime blackbox test `,
  String.raw`\] InitContainer `,
  String.raw`\] Container Lifecycle Hook `,
  String.raw`\] Pod SIGKILL `,
  String.raw`\] Ephemeral Containers will start `,
  String.raw`\] Probing container should be restarted with (a exec "cat /tmp/health"|an exec) liveness probe`,
  // Logs and streams.
  String.raw`\] ContainerLogPath `,
  String.raw`\] Kubelet when scheduling a (busybox command|read only busybox container)`,
  String.raw`\] Pods should support (remote command execution|retrieving logs)`,
  // Namespaces, rights, cgroups.
  String.raw`\] PrivilegedPod `,
  String.raw`\] Security Context .*(AllowPrivilegeEscalation|runAsUser|readOnlyRootFilesystem|PID namespace|privileged should)`,
  String.raw`\] DefaultProcMount `,
  String.raw`\] Sysctls .* should support sysctls`,
  String.raw`\] Hostname of Pod .* (FQDN is set as hostname|hostname is shortname)`,
  String.raw`\] KubeletManagedEtcHosts `,
  String.raw`\] RuntimeClass should schedule .* without PodOverhead`,
  String.raw`\] Kubelet Cgroup Manager Pod containers `,
  // Mounts.
  String.raw`\] HostPath `,
  String.raw`\] Mount recursive read-only `,
  String.raw`\] EmptyDir volumes should support \((root,0644,default|non-root,0777,tmpfs)\)`,
  // Figures.
  String.raw`\] ContainerMetrics `,
];
