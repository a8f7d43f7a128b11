import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { runDockershim } from "./run-dockershim.js";
import { startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;

beforeAll(async () => {
  runtime = await startSampleRuntime();
});
afterAll(() => runtime.close());

const describe = (...args: string[]) => runDockershim(runtime.endpoint, ["describe", ...args]);

test("a container, with limits, mounts and how the one before it ended", async () => {
  expect(await describe("web")).toEqual({
    stdout: `Container:      default/front/web
ID:             1ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
Pod:            default/front (aaaaaaaaaaaaa)
Image:          web:latest
Image ID:       sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
Image digest:   web@sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
User:           1000, group 100, also in 7
Attempt:        1
Created:        2026-11-21T09:00:03Z (2d1h ago)
Log:            ${runtime.logPath}

State:
  State     Running
  Started   2026-11-21T09:00:04Z (2d ago)

Previous container:
  ID          2cccccccccccc
  State       Exited
  Exit code   2
  Reason      Error
  Message     cannot open the door
  Started     2026-11-21T08:00:04Z (2d1h ago)
  Finished    2026-11-21T08:01:33Z (2d1h ago)

Resources:
  CPU limit         0.5 CPUs
  CPU shares        256
  Memory limit      128Mi
  Memory and swap   134217730 bytes
  OOM score         985

Mounts:
  IN THE CONTAINER   FROM                                    OPTIONS
  /etc/hosts         /var/lib/kubelet/pods/front/etc-hosts   rw
  /data              /srv/data                               ro,rslave

Labels:
  io.kubernetes.container.name   web

Annotations:
  io.kubernetes.container.hash   1f
`,
    stderr: "",
    code: 0,
  });
});

test("a container that was killed, with the signal and the reason", async () => {
  expect((await describe("db")).stdout).toContain(`State:
  State       Exited
  Exit code   137 (SIGKILL)
  Reason      OOMKilled
  Started     2026-11-19T07:00:04Z (4d2h ago)
  Finished    2026-11-19T07:01:33Z (4d2h ago)
`);
});

test("a pod, with addresses, namespaces and what became of its containers", async () => {
  expect(await describe("front")).toEqual({
    stdout: `Pod:          default/front
ID:           aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
UID:          front
State:        Ready
Created:      2026-11-21T08:00:03Z (2d2h ago)
Attempt:      0
Runtime:      (default)
Addresses:    10.1.0.7, fd00::7
Namespaces:   network the pod's, PID the node's, IPC the pod's

Containers:
  NAME   ATTEMPT   STATE     EXIT CODE   REASON   STARTED    ID
  web    1         Running                        2d ago     1cccccccccccc
  web    0         Exited    2           Error    2d1h ago   2cccccccccccc

Messages:
  web, attempt 0   cannot open the door

Labels:
  app    web
  tier   front

Annotations:
  kubernetes.io/config.source   api
`,
    stderr: "",
    code: 0,
  });
});

test("an image, with how it runs and who uses it", async () => {
  expect(await describe("web:latest")).toEqual({
    stdout: `Image:         localhost:5000/web:1
ID:            sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
Also named:    web:latest
Digests:       web@sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
Size:          4.27MB
User:          1000
Pinned:        no
Built:         2026-10-01T12:00:00Z (52d ago)
Platform:      linux/amd64
Entrypoint:    /entry
Command:       serve '--all it has'
Working dir:   /srv
Ports:         80/tcp
Environment:   PATH=/bin

Used by:
  CONTAINER           ID
  default/front/web   2cccccccccccc
  default/front/web   1cccccccccccc
  shop/back/db        ddddddddddddd

Labels:
  maintainer   us
`,
    stderr: "",
    code: 0,
  });
});

test("several have an empty line between them, and one that is not there has its line", async () => {
  const { stdout, stderr, code } = await describe("db", "nobody", "back");
  expect(stdout).toMatch(/^Container: .*\n\nPod: .*/s);
  expect(stdout).not.toMatch(/\n\n\n/);
  expect(stderr).toBe(
    'dockershim: no container, pod or image has the id or name "nobody"; see dockershim ps -a, pods or images\n',
  );
  expect(code).toBe(1);
});
