import { randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import { labVariable } from "@dockershim/testing";
import {
  type ContainerCreateBody,
  createDockerClient,
  type DockerClient,
  isDockerError,
} from "../src/index.js";

/** The engine of the lab, and a label for what this test file makes there. */
export interface LabEngine {
  client: DockerClient;
  endpoint: string;
  /** Image with a busybox. */
  image: string;
  /** A name that nobody else uses. */
  uniqueName(): string;
  /** Creates a container that `end` will remove. */
  create(body?: ContainerCreateBody, name?: string): Promise<string>;
  /** Creates and starts one that sleeps. */
  startSleeping(): Promise<string>;
  /** Runs a command in a container; its output and exit code. */
  run(
    id: string,
    ...command: string[]
  ): Promise<{ stdout: string; stderr: string; code: number | null }>;
  /** Removes the containers of this file and closes the client. */
  end(): Promise<void>;
}

export function openLabEngine(): LabEngine {
  const endpoint = labVariable("LAB_DOCKER_ENDPOINT");
  const image = labVariable("LAB_IMAGE");
  const client = createDockerClient({ endpoint });
  const mark = `docker-client-test-${randomBytes(6).toString("hex")}`;
  let names = 0;

  const lab: LabEngine = {
    client,
    endpoint,
    image,
    uniqueName: () => `${mark}-${++names}`,
    async create(body = {}, name) {
      const { Id } = await client.containers.create(
        {
          Image: image,
          ...body,
          Labels: { ...body.Labels, "io.dockershim.test": mark },
          HostConfig: { NetworkMode: "none", ...body.HostConfig },
        },
        { name: name ?? lab.uniqueName() },
      );
      return Id;
    },
    async startSleeping() {
      const id = await lab.create({ Cmd: ["sleep", "1000"], StopTimeout: 0 });
      await client.containers.start(id);
      return id;
    },
    async run(id, ...command) {
      const exec = await client.exec.create(id, {
        Cmd: command,
        AttachStdout: true,
        AttachStderr: true,
      });
      const stream = await client.exec.start(exec, { tty: false, stdin: false });
      const [stdout, stderr] = await Promise.all([text(stream.stdout), text(stream.stderr)]);
      const { ExitCode } = await client.exec.inspect(exec);
      return { stdout, stderr, code: ExitCode };
    },
    async end() {
      const filters = { label: [`io.dockershim.test=${mark}`] };
      for (const { Id } of await client.containers.list({ all: true, filters })) {
        await client.containers.remove(Id, { force: true, volumes: true }).catch((reason) => {
          if (!isDockerError(reason, "not_found", "conflict")) throw reason;
        });
      }
      await client.close();
    },
  };
  return lab;
}
