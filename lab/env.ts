import { cniBinDir, type LabConfig, labConfig } from "./config.ts";
import { busyboxImage, referenceOf, registryImage } from "./images.ts";
import { LabError } from "./lab-error.ts";
import { labNetwork } from "./network.ts";
import { isAlive } from "./process-id.ts";
import { registryAddress, registryUser } from "./registry.ts";
import { readState } from "./state.ts";

/** What a program needs to know of a lab; the names are those of environment variables. */
export interface LabEnv {
  /** The engine's API, such as "unix:///var/tmp/…/docker.sock". */
  readonly LAB_DOCKER_ENDPOINT: string;
  /** The engine's version, such as "20.10.24". */
  readonly LAB_DOCKER_VERSION: string;
  /** Host and port of the registry. */
  readonly LAB_REGISTRY: string;
  /** An image the engine has. */
  readonly LAB_IMAGE: string;
  /** An image only the registry has. */
  readonly LAB_REGISTRY_IMAGE: string;
  /** Host and port of the registry that serves the same images, but only to the user that follows. */
  readonly LAB_AUTH_REGISTRY: string;
  readonly LAB_AUTH_USERNAME: string;
  readonly LAB_AUTH_PASSWORD: string;
  readonly LAB_CNI_CONF_DIR: string;
  readonly LAB_CNI_BIN_DIR: string;
  /** The bridge of the CNI network, which also is the network's name. */
  readonly LAB_BRIDGE: string;
  readonly LAB_SUBNET: string;
  /** An existing folder for sockets and root directories of programs under test; `down` removes it. */
  readonly LAB_RUN_DIR: string;
}

/** The environment of a lab that is up, read from its state folder; throws a {@link LabError} otherwise. */
export function labEnv(config: LabConfig = labConfig()): LabEnv {
  const { slot, engine, engineVersion, registry: open, authRegistry, complete } = readState(config);
  const known = slot !== undefined && open && authRegistry && engineVersion !== undefined;
  if (!known || !complete || !isAlive(engine)) {
    throw new LabError("usage", `the lab ${config.name} with Docker ${config.engine} is not up`);
  }
  const { bridge, subnet } = labNetwork(slot);
  const registry = registryAddress(open.port);
  return {
    LAB_DOCKER_ENDPOINT: `unix://${config.dockerSocket}`,
    LAB_DOCKER_VERSION: engineVersion,
    LAB_REGISTRY: registry,
    LAB_IMAGE: referenceOf(busyboxImage),
    LAB_REGISTRY_IMAGE: referenceOf(registryImage(registry)),
    LAB_AUTH_REGISTRY: registryAddress(authRegistry.port),
    LAB_AUTH_USERNAME: registryUser.username,
    LAB_AUTH_PASSWORD: registryUser.password,
    LAB_CNI_CONF_DIR: config.cniConfDir,
    LAB_CNI_BIN_DIR: cniBinDir,
    LAB_BRIDGE: bridge,
    LAB_SUBNET: subnet,
    LAB_RUN_DIR: config.runDir,
  };
}
