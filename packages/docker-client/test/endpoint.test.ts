import { expect, test } from "@jest/globals";
import { parseEndpoint } from "../src/endpoint.js";
import { enginePath } from "../src/engine-path.js";

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
  ["abc", "/images/abc/json"],
  ["127.0.0.1:5000/a/b:v1", "/images/127.0.0.1:5000/a/b:v1/json"],
  ["a?all=1#x", "/images/a%3Fall%3D1%23x/json"],
  ["a b\n", "/images/a%20b%0A/json"],
  ["\ud800", "/images/%EF%BF%BD/json"],
])("the name %j is put into a path safely", (name, expected) => {
  expect(enginePath("x", ["/images/", "/json"], name)).toBe(expected);
});

test.each(["", ".", "..", "../containers", "a//b", "/a", "a/"])(
  "the name %j is refused, as it would mean another route",
  (name) => {
    expect(() => enginePath("images.inspect", ["/images/", "/json"], name)).toThrow(
      expect.objectContaining({ code: "invalid_argument", operation: "images.inspect" }),
    );
  },
);
