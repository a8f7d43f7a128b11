import { startFakeDocker } from "@dockershim/testing";
import { createDockerClient } from "../src/index.js";
import { describeEngine } from "./engine-contract.js";

describeEngine(async () => {
  const docker = await startFakeDocker();
  docker.images.add("busybox:1");
  const client = createDockerClient({ endpoint: docker.endpoint });
  let names = 0;
  const uniqueName = (): string => `c${++names}`;
  return {
    client,
    uniqueName,
    async create(body, name = uniqueName()) {
      return (await client.containers.create({ Image: "busybox:1", ...body }, { name })).Id;
    },
    async end() {
      await client.close();
      await docker.close();
    },
  };
});
