import { type PodSandboxConfig, type PodSandboxMetadata, Protocol } from "@dockershim/cri-types";
import { usesHostNetwork } from "./namespaces.js";
import { PodSandboxError } from "./pod-sandbox-error.js";
import { validateSandboxMetadata } from "./validate-metadata.js";
import { refuseParent, validateLogDirectory } from "./validate-path.js";
import { validateContainerResources } from "./validate-resources.js";
import { validateNamespaceOptions, validateSelinux, validateUser } from "./validate-security.js";

declare const checked: unique symbol;

/** A sandbox config that has passed `validateSandboxConfig`: nothing else makes one. */
export type ValidSandboxConfig = PodSandboxConfig & {
  metadata: PodSandboxMetadata;
  readonly [checked]: true;
};

function refuse(field: string, reason: string): never {
  throw new PodSandboxError("invalid_argument", field, reason);
}

/**
 * Checks a sandbox config against CRI's rules, what Docker can do, and what would end up in
 * files or names.
 *
 * @param field path of the config in the request, for the error
 * @throws PodSandboxError naming the field; `unimplemented` for what Docker cannot do
 */
export function validateSandboxConfig(
  config: PodSandboxConfig | undefined,
  field = "config",
): asserts config is ValidSandboxConfig {
  if (config === undefined) refuse(field, "is missing");
  validateSandboxMetadata(config.metadata, `${field}.metadata`);
  // The kernel's limit of a hostname.
  if (config.hostname.length > 64) refuse(`${field}.hostname`, "must not exceed 64 characters");
  if (!/^[A-Za-z0-9._-]*$/.test(config.hostname)) {
    refuse(`${field}.hostname`, `${JSON.stringify(config.hostname)} is no hostname`);
  }
  validateLogDirectory(config.logDirectory, `${field}.log_directory`);
  validateDns(config, field);
  validatePorts(config, field);
  validateLinux(config, `${field}.linux`);
  if (config.windows !== undefined) {
    throw new PodSandboxError("unimplemented", `${field}.windows`, "only Linux pods are possible");
  }
}

// What is given here becomes lines of resolv.conf.
function validateDns(config: PodSandboxConfig, field: string): void {
  const dns = config.dnsConfig;
  if (dns === undefined) return;
  for (const [index, server] of dns.servers.entries()) {
    if (!isAddress(server)) {
      refuse(`${field}.dns_config.servers[${index}]`, `${JSON.stringify(server)} is no IP address`);
    }
  }
  for (const [name, list] of [
    ["searches", dns.searches],
    ["options", dns.options],
  ] as const) {
    for (const [index, text] of list.entries()) {
      if (/^\S+$/.test(text)) continue;
      refuse(`${field}.dns_config.${name}[${index}]`, `${JSON.stringify(text)} must be one word`);
    }
  }
}

function validatePorts(config: PodSandboxConfig, field: string): void {
  for (const [index, mapping] of config.portMappings.entries()) {
    const path = `${field}.port_mappings[${index}]`;
    if (Protocol[mapping.protocol] === undefined) {
      refuse(`${path}.protocol`, `unknown value ${mapping.protocol}`);
    }
    for (const [name, port] of [
      ["container_port", mapping.containerPort],
      ["host_port", mapping.hostPort],
    ] as const) {
      if (port < 0 || port > 65535) refuse(`${path}.${name}`, `${port} is not from 0 to 65535`);
    }
    if (mapping.hostPort > 0 && mapping.containerPort === 0) {
      refuse(`${path}.container_port`, "must not be 0 where a host port leads to it");
    }
    if (mapping.hostIp !== "" && !isAddress(mapping.hostIp)) {
      refuse(`${path}.host_ip`, `${JSON.stringify(mapping.hostIp)} is no IP address`);
    }
  }
}

/** The kernel's limits of a path, and of the name of a sysctl in it. */
const maxPath = 4096;
const maxName = 255;

// It becomes part of a path, and of a unit's name where systemd makes cgroups.
function validateCgroupParent(path: string, field: string): void {
  refuseParent(path, field);
  if (path.length > maxPath) refuse(field, `must not exceed ${maxPath} characters`);
  if (/\p{Cc}/u.test(path)) refuse(field, "must not contain control characters");
}

function validateLinux(config: PodSandboxConfig, field: string): void {
  const linux = config.linux;
  if (linux === undefined) return;
  validateCgroupParent(linux.cgroupParent, `${field}.cgroup_parent`);
  validateContainerResources(linux.overhead, `${field}.overhead`);
  validateContainerResources(linux.resources, `${field}.resources`);
  const context = linux.securityContext;
  if (context !== undefined) {
    const path = `${field}.security_context`;
    validateNamespaceOptions(context.namespaceOptions, `${path}.namespace_options`, true);
    validateUser(context, path);
    validateSelinux(context.selinuxOptions, `${path}.selinux_options`);
  }
  const hostNetwork = usesHostNetwork(context?.namespaceOptions);
  for (const [key, value] of Object.entries(linux.sysctls)) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_./-]*$/.test(key) || key.includes("..") || key.length > maxName) {
      refuse(`${field}.sysctls`, `${JSON.stringify(key.slice(0, maxName))} is no sysctl`);
    }
    if (/[\n\0]/.test(value)) refuse(`${field}.sysctls`, `the value of ${key} has a line break`);
    // It would change the node's own setting; the OCI runtime would refuse it later on.
    if (hostNetwork && /^net[./]/.test(key)) {
      refuse(`${field}.sysctls`, `${key} is not possible with the node's network`);
    }
  }
}

/** Whether a text is an IPv4 or IPv6 address. */
export function isAddress(text: string): boolean {
  const octet = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";
  if (new RegExp(`^${octet}(\\.${octet}){3}$`).test(text)) return true;
  // The zone is the name of an interface.
  const [, address = ""] = /^([^%]+)(?:%[\w.-]+)?$/.exec(text) ?? [];
  if (!address.includes(":")) return false;
  // A tail in IPv4's notation stands for two groups.
  const groups = address.replace(/\d+\.\d+\.\d+\.\d+$/, "0:0");
  const halves = groups.split("::");
  if (halves.length > 2) return false;
  const parts = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  if (!parts.every((part) => /^[0-9A-Fa-f]{1,4}$/.test(part))) return false;
  return halves.length === 2 ? parts.length < 8 : parts.length === 8;
}
