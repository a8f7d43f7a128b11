import { describe, expect, test } from "@jest/globals";
import {
  type EndpointForm,
  readKubeletEndpoint,
  replaceKubeletEndpoint,
} from "../src/machine/kubelet-endpoint.js";
import { isSameSocket } from "../src/machine/socket-path.js";

const old = "unix:///var/run/cri-dockerd.sock";
const ours = "unix:///run/dockershim/dockershim.sock";

describe("the kubelet's CRI socket in a file", () => {
  test.each<[string, EndpointForm, (endpoint: string) => string]>([
    [
      "a KubeletConfiguration with comments",
      "configuration",
      (it) =>
        `# ours\nkind: KubeletConfiguration\ncontainerRuntimeEndpoint: ${it} # the socket\nx: 1\n`,
    ],
    ["a quoted value", "configuration", (it) => `containerRuntimeEndpoint: "${it}"\n`],
    ["a value in single quotes", "configuration", (it) => `containerRuntimeEndpoint: '${it}'\n`],
    ["JSON", "configuration", (it) => `{"containerRuntimeEndpoint":"${it}","x":[1]}`],
    [
      "kubeadm's flags",
      "flag",
      (it) =>
        `KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=${it} --pod-infra-container-image=p:3.9"\n`,
    ],
    [
      "the last flag of a quoted line",
      "flag",
      (it) => `KUBELET_EXTRA_ARGS='-v=2 --container-runtime-endpoint=${it}'\n`,
    ],
    [
      "a flag and its value apart",
      "flag",
      (it) => `KUBELET_EXTRA_ARGS=--container-runtime-endpoint  ${it}\n`,
    ],
    [
      "flags given twice",
      "flag",
      (it) => `A="--container-runtime-endpoint=${it} --container-runtime-endpoint=${it}"\n`,
    ],
    [
      "a comment that names the flag",
      "flag",
      (it) =>
        ` # was --container-runtime-endpoint=unix:///x\nA="--container-runtime-endpoint=${it}"\n`,
    ],
  ])("is found in %s, and nothing else is changed", (_, form, text) => {
    expect(readKubeletEndpoint(text(old), form)).toBe(old);
    expect(replaceKubeletEndpoint(text(old), form, ours)).toBe(text(ours));
  });

  test.each<[string, EndpointForm, string]>([
    ["kubeadm's empty value", "configuration", 'containerRuntimeEndpoint: ""\n'],
    ["a configuration without it", "configuration", "kind: KubeletConfiguration\n"],
    ["one below another key", "configuration", `x:\n  containerRuntimeEndpoint: ${old}\n`],
    ["an empty file", "configuration", ""],
    ["what is no YAML", "configuration", "a: [\ncontainerRuntimeEndpoint: x"],
    ["a number", "configuration", "containerRuntimeEndpoint: 7\n"],
    ["a comment alone", "flag", `#A="--container-runtime-endpoint=${old}"\n`],
    ["another flag", "flag", `A="--container-runtime-endpoint-timeout=3"\n`],
    ["a flag without a value", "flag", `A="--container-runtime-endpoint"\n`],
  ])("is not seen in %s, which stays as it is", (_, form, text) => {
    expect(readKubeletEndpoint(text, form)).toBeUndefined();
    expect(replaceKubeletEndpoint(text, form, ours)).toBe(text);
  });

  test("is the same with and without a scheme, below /run and /var/run", () => {
    expect(isSameSocket("/run/cri-dockerd.sock", old)).toBe(true);
    expect(isSameSocket("unix:/run/cri-dockerd.sock", old)).toBe(true);
    expect(isSameSocket(ours, old)).toBe(false);
  });
});
