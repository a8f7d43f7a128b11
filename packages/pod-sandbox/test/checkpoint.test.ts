import { describe, expect, test } from "@jest/globals";
import { readCheckpoint } from "../src/index.js";

// Two files as cri-dockerd wrote them, with the names changed; the checksums are its own.
const plain = '{"version":"v1","name":"web","namespace":"prod","data":{},"checksum":2305795928}';
const withPorts =
  '{"version":"v1","name":"web","namespace":"prod","data":{"port_mappings":[' +
  '{"protocol":"tcp","container_port":80,"host_port":18080},' +
  '{"protocol":"udp","container_port":53,"host_port":18053,"host_ip":"127.0.0.1"}]},' +
  '"checksum":2119816884}';

describe("a checkpoint of cri-dockerd", () => {
  test("without ports is read, and its checksum verified", () => {
    expect(readCheckpoint(plain)).toEqual({
      name: "web",
      namespace: "prod",
      hostNetwork: false,
      portMappings: [],
      intact: true,
    });
  });

  test("with ports is read, and its checksum verified", () => {
    expect(readCheckpoint(withPorts)).toMatchObject({
      intact: true,
      portMappings: [
        { protocol: "tcp", containerPort: 80, hostPort: 18080, hostIp: "" },
        { protocol: "udp", containerPort: 53, hostPort: 18053, hostIp: "127.0.0.1" },
      ],
    });
  });

  test.each([
    ["another port", withPorts.replace("18080", "18081")],
    ["another network", plain.replace('"data":{}', '"data":{"host_network":true}')],
    ["another sum", plain.replace("2305795928", "2305795929")],
    ["no sum", plain.replace(',"checksum":2305795928', "")],
  ])("with %s than was written is told from an intact one", (_, text) => {
    expect(readCheckpoint(text)).toMatchObject({ name: "web", intact: false });
  });

  test("with a port that is no whole number is read as one without that port", () => {
    const text = '{"data":{"port_mappings":[{"container_port":1.5,"host_port":"80"}]}}';
    expect(readCheckpoint(text).portMappings).toEqual([
      { protocol: undefined, containerPort: undefined, hostPort: undefined, hostIp: "" },
    ]);
  });

  test.each([
    ["", "checkpoint: is not JSON"],
    [plain.slice(0, 40), "checkpoint: is not JSON"],
    ["[]", "checkpoint: must be an object"],
    ['{"data":{"port_mappings":{}}}', "checkpoint.data.port_mappings: must be a list"],
    ['{"data":{"port_mappings":[7]}}', "checkpoint.data.port_mappings[0]: must be an object"],
  ])("that is %j is refused", (text, message) => {
    expect(() => readCheckpoint(text)).toThrow(message);
  });
});
