import { describe, expect, test } from "@jest/globals";
import { parseSystemdShow } from "../src/machine/systemctl.js";
import { judgeMigration } from "../src/migrate/migrate-report.js";
import type {
  Direction,
  EndpointFile,
  MigrationFacts,
  UnitFacts,
} from "../src/migrate/migration-facts.js";
import { migrationProblems, planMigration } from "../src/migrate/migration-plan.js";
import { describeAction } from "../src/migrate/migration-step.js";

const old = "unix:///var/run/cri-dockerd.sock";
const ours = "unix:///run/dockershim/dockershim.sock";
const dropIn = "/etc/systemd/system/dockershim.socket.d/cri-dockerd.conf";

function unit(name: string, state: "on" | "off" | "started"): UnitFacts {
  return { name, active: state !== "off", enabled: state === "on", masked: false };
}
const daemon = (name: string, state: "on" | "off" | "started", endpoint: string) => ({
  units: [unit(`${name}.socket`, state), unit(`${name}.service`, state)],
  endpoint,
});
const told = (endpoint: string): EndpointFile => ({
  file: "/var/lib/kubelet/config.yaml",
  form: "configuration",
  text: `containerRuntimeEndpoint: ${endpoint}\n`,
  endpoint,
});
const flagged = (endpoint: string): EndpointFile => ({
  file: "/etc/default/kubelet",
  form: "flag",
  text: `A=--container-runtime-endpoint=${endpoint}\n`,
  endpoint,
});

/** A node that cri-dockerd serves. */
const before: MigrationFacts = {
  report: judgeMigration({
    engine: { version: "28.5.2", apiVersion: "1.51", cgroupDriver: "systemd" },
    ...{ engineProblem: "", pods: [], strays: [], orphans: [], unreadable: [], flags: [] },
    ...{ kubeletCgroupDriver: "systemd", socketInUse: undefined, criDockerdPid: undefined },
  }),
  criDockerdPid: 7,
  criDockerd: daemon("cri-docker", "on", old),
  dockershim: daemon("dockershim", "off", ours),
  kubelet: { unit: unit("kubelet.service", "on"), pid: 8, flag: undefined, files: [told(old)] },
  config: {
    ...{ file: "/etc/dockershim/config.yaml", text: "", folderExists: true },
    ...{ carried: "", problems: [] },
  },
  dropIn: { file: dropIn, text: undefined, folderExists: false },
  dockerEndpoint: "unix:///var/run/docker.sock",
  cleanUp: {
    ...{ dockerEndpoint: "", criDockerdRoot: "", cniCacheDirs: [], cniBinDirs: [], addressDir: "" },
  },
  conditions: ["RuntimeReady", "NetworkReady"],
  pids: { abc: 42 },
  addresses: { abc: "10.1.0.2" },
  stamp: "20260102T030405Z",
};

/** And one that dockershim serves. */
const after: MigrationFacts = {
  ...before,
  criDockerd: daemon("cri-docker", "off", old),
  dockershim: daemon("dockershim", "on", ours),
  kubelet: { ...before.kubelet, files: [told(ours)] },
};

const summary = (facts: MigrationFacts, direction: Direction): string[] =>
  planMigration(facts, direction).flatMap(({ actions }) =>
    actions.map((action) => (describeAction(action)[0] as string).replace(/ and lists.*/, "")),
  );

const look = (endpoint: string) => `wait until ${endpoint} answers RuntimeReady and NetworkReady`;
const change = "change /var/lib/kubelet/config.yaml";
const kept = `${change}, keep the old one as /var/lib/kubelet/config.yaml.20260102T030405Z`;
const stop = "systemctl stop kubelet.service";
const start = "systemctl start kubelet.service";
const leave = "systemctl disable --now cri-docker.socket cri-docker.service";
const enter = "systemctl enable --now dockershim.socket dockershim.service";

describe("the plan of a migration", () => {
  test.each<[string, Direction, MigrationFacts, string[]]>([
    ["a usual node", "forward", before, [stop, leave, enter, look(ours), kept, start]],
    [
      "the way back",
      "back",
      after,
      [
        stop,
        "systemctl disable --now dockershim.socket dockershim.service",
        "systemctl enable --now cri-docker.socket cri-docker.service",
        ...[look(old), kept, start],
      ],
    ],
    ["a node that is there already", "forward", after, []],
    ["a node that never went", "back", before, []],
    [
      "flags to carry over",
      "forward",
      { ...before, config: { ...before.config, carried: "logLevel: debug\n" } },
      [
        "change /etc/dockershim/config.yaml, keep the old one as /etc/dockershim/config.yaml.20260102T030405Z",
        ...[stop, leave, enter, look(ours), kept, start],
      ],
    ],
    [
      "a dockershim that the package has started",
      "forward",
      { ...before, dockershim: daemon("dockershim", "on", ours) },
      [
        ...[stop, leave, "systemctl stop dockershim.socket dockershim.service", enter],
        ...[look(ours), kept, start],
      ],
    ],
    [
      "a switch by hand that forgot the kubelet",
      "forward",
      { ...after, kubelet: before.kubelet },
      [stop, look(ours), kept, start],
    ],
    [
      "no kubelet that runs",
      "forward",
      {
        ...before,
        kubelet: { ...before.kubelet, unit: unit("kubelet.service", "off"), pid: undefined },
      },
      [leave, enter, look(ours), kept],
    ],
    [
      "a kubelet told by a file of flags",
      "forward",
      { ...before, kubelet: { ...before.kubelet, flag: old, files: [flagged(old), told(old)] } },
      [
        ...[stop, leave, enter, look(ours)],
        "change /etc/default/kubelet, keep the old one as /etc/default/kubelet.20260102T030405Z",
        ...[kept, start],
      ],
    ],
    [
      "a kubelet told by its unit",
      "forward",
      { ...before, kubelet: { ...before.kubelet, flag: old } },
      [stop, leave, `write ${dropIn}`, "systemctl daemon-reload", enter, look(old), start],
    ],
    [
      "a kubelet told in a place unknown",
      "forward",
      { ...before, kubelet: { ...before.kubelet, files: [] } },
      [stop, leave, `write ${dropIn}`, "systemctl daemon-reload", enter, look(old), start],
    ],
    [
      "the way back from there",
      "back",
      {
        ...after,
        kubelet: { ...before.kubelet, flag: old },
        dropIn: { file: dropIn, text: "[Socket]\n", folderExists: true },
      },
      [
        ...[stop, "systemctl disable --now dockershim.socket dockershim.service"],
        ...[`remove ${dropIn}`, "systemctl daemon-reload"],
        ...["systemctl enable --now cri-docker.socket cri-docker.service", look(old), start],
      ],
    ],
    [
      "a network that was not ready before",
      "forward",
      { ...before, conditions: ["RuntimeReady"] },
      [stop, leave, enter, `wait until ${ours} answers RuntimeReady`, kept, start],
    ],
    [
      "one socket for both",
      "forward",
      { ...before, dockershim: { units: [unit("dockershim.service", "off")], endpoint: old } },
      [stop, leave, "systemctl enable --now dockershim.service", look(old), start],
    ],
  ])("of %s", (_, direction, facts, expected) => {
    expect(summary(facts, direction)).toEqual(expected);
  });

  test.each<[string, MigrationFacts["dockershim"], string[]]>([
    [
      "were off",
      daemon("dockershim", "off", ours),
      [
        "systemctl stop dockershim.socket dockershim.service",
        "systemctl disable dockershim.socket dockershim.service",
      ],
    ],
    [
      "ran, and were not enabled",
      daemon("dockershim", "started", ours),
      [
        "systemctl stop dockershim.socket dockershim.service",
        "systemctl disable dockershim.socket dockershim.service",
      ],
    ],
  ])("takes units back to what they were: those that %s", (_, dockershim, expected) => {
    const steps = planMigration({ ...before, dockershim }, "forward");
    const step = steps.find(({ title }) => title === "start dockershim");
    expect(step?.undo.flatMap(describeAction)).toEqual(expected);
  });

  test.each<[string, Direction, MigrationFacts, RegExp]>([
    [
      "a dockershim that is not installed",
      "forward",
      { ...before, dockershim: { units: [], endpoint: ours } },
      /no service of dockershim: install it first/,
    ],
    [
      "a cri-dockerd that is gone",
      "back",
      { ...after, criDockerd: { units: [], endpoint: old } },
      /no service of cri-dockerd: install it first/,
    ],
    [
      "a masked unit",
      "forward",
      {
        ...before,
        dockershim: {
          endpoint: ours,
          units: [{ ...unit("dockershim.service", "off"), masked: true }],
        },
      },
      /dockershim\.service is masked/,
    ],
    [
      "a cri-dockerd that systemd has not started",
      "forward",
      { ...before, criDockerd: { units: [], endpoint: old } },
      /cri-dockerd \(pid 7\) is no unit of systemd/,
    ],
    [
      "a kubelet that systemd has not started",
      "forward",
      { ...before, kubelet: { ...before.kubelet, unit: undefined } },
      /kubelet \(pid 8\) is no unit of systemd/,
    ],
    [
      "a kubelet on another runtime",
      "forward",
      { ...before, kubelet: { ...before.kubelet, flag: "unix:///run/containerd/containerd.sock" } },
      /told to use unix:\/\/\/run\/containerd\/containerd\.sock, neither cri-dockerd's socket/,
    ],
    [
      "a kubelet whose configuration names another runtime",
      "forward",
      { ...before, kubelet: { ...before.kubelet, files: [told("unix:///run/other.sock")] } },
      /told to use unix:\/\/\/run\/other\.sock, neither/,
    ],
    [
      "a configuration that says something else",
      "forward",
      { ...before, config: { ...before.config, problems: ["c.yaml: logLevel"] } },
      /^c\.yaml: logLevel$/,
    ],
  ])("is refused for %s", (_, direction, facts, problem) => {
    expect(migrationProblems(facts, direction)).toEqual([expect.stringMatching(problem)]);
  });

  test("is not refused for a usual node, there and back", () => {
    expect(migrationProblems(before, "forward")).toEqual([]);
    expect(migrationProblems(after, "back")).toEqual([]);
  });
});

test("what systemctl shows of units is read, and those that it does not know are left out", () => {
  const text = `Id=cri-docker.socket
LoadState=loaded
ActiveState=active
UnitFileState=enabled
Listen=/run/cri-dockerd.sock (Stream)
Listen=/run/other (Datagram)

Id=cri-docker.service
LoadState=loaded
ActiveState=activating
UnitFileState=disabled
MainPID=77
ExecStart={ path=/usr/bin/cri-dockerd ; argv[]=/usr/bin/cri-dockerd --log-level debug $OPTS ; ignore_errors=no ; pid=0 }
TriggeredBy=cri-docker.socket

Id=none.service
LoadState=not-found
ActiveState=inactive
MainPID=0

Id=hidden.service
LoadState=masked
ActiveState=inactive
UnitFileState=masked
`;
  expect(parseSystemdShow(text)).toMatchObject([
    {
      ...{ name: "cri-docker.socket", active: true, enabled: true, masked: false },
      listen: ["/run/cri-dockerd.sock"],
    },
    {
      ...{ name: "cri-docker.service", active: true, enabled: false, mainPid: 77 },
      triggeredBy: ["cri-docker.socket"],
      command: ["/usr/bin/cri-dockerd", "--log-level", "debug"],
    },
    { name: "hidden.service", active: false, enabled: false, masked: true },
  ]);
});
