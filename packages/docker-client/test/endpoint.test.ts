import { expect, test } from "@jest/globals";
import { parseEndpoint } from "../src/endpoint.js";
import { pathOfName } from "../src/path-of-name.js";

test.each([
  ["unix:///run/docker.sock", { kind: "unix", socketPath: "/run/docker.sock" }],
  ["tcp://127.0.0.1:2375", { kind: "tcp", host: "127.0.0.1", port: 2375 }],
  ["http://engine.local:80/", { kind: "tcp", host: "engine.local", port: 80 }],
  ["tcp://[::1]:2375", { kind: "tcp", host: "::1", port: 2375 }],
])("%s is understood", (endpoint, expected) => {
  expect(parseEndpoint(endpoint)).toEqual(expected);
});

test.each([
  "",
  "/run/docker.sock",
  "unix://run/docker.sock",
  "tcp://host",
  "tcp://host:0",
  "tcp://host:99999",
  "ssh://host:22",
  "https://host:2376",
])("%j is refused", (endpoint) => {
  expect(() => parseEndpoint(endpoint)).toThrow(
    expect.objectContaining({ code: "invalid_argument" }),
  );
});

test.each([
  ["abc", "abc"],
  ["127.0.0.1:5000/a/b:v1", "127.0.0.1:5000/a/b:v1"],
  ["a?all=1#x", "a%3Fall%3D1%23x"],
  ["a b\n", "a%20b%0A"],
  ["\ud800", "%EF%BF%BD"],
])("the name %j is put into a path safely", (name, expected) => {
  expect(pathOfName("x", name)).toBe(expected);
});

test.each(["", ".", "..", "../containers", "a//b", "/a", "a/"])(
  "the name %j is refused, as it would mean another route",
  (name) => {
    expect(() => pathOfName("images.inspect", name)).toThrow(
      expect.objectContaining({ code: "invalid_argument", operation: "images.inspect" }),
    );
  },
);
