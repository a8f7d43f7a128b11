import { expect, test } from "@jest/globals";
import { redactText, redactValue } from "../src/support-bundle/redact.js";

/** Stands in each secret below. */
const planted = "plantedsecret";

test.each([
  // URLs
  `pull https://user:${planted}@registry.example/v2/`,
  `proxy http://${planted}@proxy:3128`,
  `GET https://s3.example/x?X-Amz-Signature=${planted}&a=b`,
  `https://api.example/v1?access_token=${planted}`,
  `url http://127.0.0.1:41000/exec/${planted}`,
  // headers and tokens
  `Authorization: Bearer ${planted}`,
  `authorization=Basic ${planted}==`,
  `token eyJhbGciOiJIUzI1NiJ9.${planted}.c2ln`,
  `ghp_${planted}0123456789`,
  `dckr_pat_${planted}`,
  `cookie: session=${planted}`,
  // names with values
  `password=${planted}`,
  `DB_PASSWORD: ${planted}`,
  `"registryToken": "${planted}"`,
  `{\\"identitytoken\\":\\"${planted}\\"}`,
  `"auth": "${planted}"`,
  `client-key-data: ${planted}`,
  `secret = '${planted} with blanks'`,
  `apiKey="a \\" ${planted}"`,
  `--registry-password ${planted} --other x`,
  `--token=${planted}`,
  // PEM, whole and in pieces
  `-----BEGIN RSA PRIVATE KEY-----\nMIIE${planted}\n-----END RSA PRIVATE KEY-----`,
  `-----BEGIN PRIVATE KEY-----\nMIIE${planted}`,
  `-----BEGIN PRIVATE KEY-----\\nMIIE${planted}\\n-----END PRIVATE KEY-----`,
  `Nov 29 host it[1]: MIIEpAIBAAKCAQEA${planted}\nNov 29 host it[1]: k${planted}=\nNov 29 host it[1]: -----END PRIVATE KEY-----`,
  `{\\"password\\":\\"a \\\\\\" ${planted}\\"}`,
  `MIIEpAIBAAKCAQEA${planted}\n-----END PRIVATE KEY-----`,
])("%s", (text) => {
  expect(redactText(`before ${text}`)).not.toContain(planted);
  expect(redactText(text)).not.toContain(planted);
});

test.each([
  "cannot reach https://registry.example:5000/v2/ from 10.0.0.1",
  "container default/web/nginx started in 120 ms, exit code 137 (SIGKILL)",
  "sha256:2b0c9f3e71c0e9a2b6d4f7aa",
  "secrets are removed",
  '{"level":"info","msg":"ready","listen":"/run/dockershim/dockershim.sock"}',
  "author=somebody key=value",
])("%s stays", (text) => {
  expect(redactText(text)).toBe(text);
});

test.each<[string, unknown]>([
  ["an environment of Docker", { Config: { Env: [`A=${planted}`, "PATH=/bin"] } }],
  ["an environment of CRI", { envs: [{ key: "A", value: planted }] }],
  ["an environment of a runtime's spec", { process: { env: [`B=${planted}`] } }],
  ["annotations", { annotations: { "kubectl.kubernetes.io/last-applied": planted } }],
  ["annotations as Docker's labels", { Labels: { "annotation.a": planted } }],
  ["arguments", { Args: ["server", `--x=${planted}`], Cmd: ["sh", "-c", planted] }],
  ["a command in one text", { Command: `sh -c ${planted}` }],
  ["credentials", { auths: { "registry.example": { auth: planted } } }],
  ["a password", { options: { registryPassword: planted } }],
  ["headers of a kubelet", { staticPodURLHeader: { X: [planted] } }],
  ["a text within", { lines: [`https://u:${planted}@h/`] }],
  [
    "JSON in a text",
    { record: JSON.stringify({ config: { envs: [{ key: "A", value: planted }] } }) },
  ],
  ["a list of JSON", { record: JSON.stringify([{ password: planted }]) }],
])("%s", (_, value) => {
  expect(JSON.stringify(redactValue(value))).not.toContain(planted);
});

test("names, numbers and what is no secret stay", () => {
  const value = {
    Env: ["PATH=/bin"],
    annotations: { a: "b" },
    Cmd: ["nginx", "-g", "daemon off;"],
    tokens: 3,
    automountServiceAccountToken: false,
    password: "",
    labels: { app: "web" },
    info: '{"pid":812}',
  };
  expect(redactValue(value)).toEqual({
    Env: ["PATH=<removed>"],
    annotations: { a: "<removed>" },
    Cmd: ["nginx", "<2 arguments removed>"],
    tokens: 3,
    automountServiceAccountToken: false,
    password: "",
    labels: { app: "web" },
    info: '{"pid":812}',
  });
});

test("a long text is read in time that grows with its length", () => {
  const hostile = [
    "a".repeat(2_000_000),
    "password".repeat(200_000),
    `"${"\\".repeat(1_000_000)}`,
    "A".repeat(1_000_000).concat("\n").repeat(2),
    "-----BEGIN X-----".repeat(50_000),
    "eyJ".repeat(300_000),
    "a.b-c_".repeat(200_000),
    "http://".repeat(200_000),
    'token=\\"'.repeat(100_000),
  ];
  for (const text of hostile) expect(redactText(text).length).toBeGreaterThan(0);
});
