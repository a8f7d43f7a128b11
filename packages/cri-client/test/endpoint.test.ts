import { expect, test } from "@jest/globals";
import { CriClientError, parseEndpoint } from "../src/index.js";

test.each([
  ["unix:///run/containerd/containerd.sock", "/run/containerd/containerd.sock"],
  ["unix:/run/crio/crio.sock", "/run/crio/crio.sock"],
  ["/run/dockershim/dockershim.sock", "/run/dockershim/dockershim.sock"],
])("%s is the socket %s", (endpoint, path) => {
  expect(parseEndpoint(endpoint)).toBe(path);
});

test.each([
  "",
  "tcp://127.0.0.1:1234",
  "unix://run/x.sock",
  "npipe:////./pipe/x",
  `unix:///${"x".repeat(107)}`,
])("%p is refused", (endpoint) => {
  expect(() => parseEndpoint(endpoint)).toThrow(CriClientError);
  expect(() => parseEndpoint(endpoint)).toThrow(/bad runtime endpoint/);
});
