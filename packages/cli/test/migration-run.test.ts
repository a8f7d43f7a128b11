import { readFile, writeFile } from "node:fs/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import { createSystemctl } from "../src/machine/systemctl.js";
import { gatherMigration } from "../src/migrate/gather-migration.js";
import { createPerformer } from "../src/migrate/migration-actions.js";
import type { Direction } from "../src/migrate/migration-facts.js";
import { createJournal, rememberOrigin } from "../src/migrate/migration-journal.js";
import { planMigration } from "../src/migrate/migration-plan.js";
import { runMigration, undoMigration } from "../src/migrate/migration-run.js";
import type { MigrationAction } from "../src/migrate/migration-step.js";
import { createFakeNode, type FakeNode } from "./fake-node.js";

const old = "unix:///var/run/cri-dockerd.sock";
const ours = "/run/dockershim/dockershim.sock";
const off = { active: false, enabled: false };
const on = { active: true, enabled: true };

function units(served: "cri-docker" | "dockershim", packaged = off) {
  const [theirs, mine] = served === "cri-docker" ? [on, packaged] : [off, on];
  return {
    "kubelet.service": on,
    "cri-docker.service": { ...theirs, triggeredBy: "cri-docker.socket" },
    "cri-docker.socket": { ...theirs, listen: "/run/cri-dockerd.sock" },
    "dockershim.service": mine,
    "dockershim.socket": { ...mine, listen: ours },
  };
}

const kubelet = (endpoint: string) => ({
  "/var/lib/kubelet/config.yaml": `kind: KubeletConfiguration\ncontainerRuntimeEndpoint: ${endpoint} # CRI\n`,
  "/var/lib/kubelet/kubeadm-flags.env": `KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=${endpoint} -v=2"\n`,
});

/** Nodes that a migration changes in all the ways there are. */
const nodes: Record<string, { direction: Direction; make: () => Promise<FakeNode> }> = {
  "of kubeadm": {
    direction: "forward",
    make: () => createFakeNode(units("cri-docker"), kubelet(old)),
  },
  "on which the package has started dockershim": {
    direction: "forward",
    make: () =>
      createFakeNode(units("cri-docker", on), {
        ...kubelet(old),
        "/etc/dockershim/config.yaml": "# mine\ncniBinDirs: [/opt/cni/bin]\n",
      }),
  },
  "whose kubelet is told its socket elsewhere": {
    direction: "forward",
    make: () => createFakeNode(units("cri-docker"), {}),
  },
  "that goes back": {
    direction: "back",
    make: () => createFakeNode(units("dockershim"), kubelet(`unix://${ours}`)),
  },
  "that goes back with the socket's other name": {
    direction: "back",
    make: () =>
      createFakeNode(units("dockershim"), {
        "/etc/systemd/system/dockershim.socket.d/cri-dockerd.conf": "[Socket]\nSymlinks=/run/x\n",
      }),
  },
};

let node: FakeNode;
afterEach(() => node.remove());

/** What a migration of the node is done with; nobody waits for runtimes here. */
async function prepare(direction: Direction) {
  const systemctl = createSystemctl(node.path);
  const journal = createJournal(`${node.root}/var/lib/dockershim/migration.json`);
  const facts = await gatherMigration(
    {
      ...{
        root: node.root,
        systemctl,
        record: await journal.read(),
        now: 0,
        listen: `unix://${ours}`,
      },
      ...{ dockerEndpoint: `unix://${node.dir}/none.sock`, procDir: `${node.root}/proc` },
      ...{ criDockerdRoot: "/var/lib/cri-dockerd", cniCacheDirs: [] },
      kubeletConfig: "/var/lib/kubelet/config.yaml",
    },
    direction,
  );
  // Flags come from a process, and there is none here.
  const withFlags = {
    ...facts,
    config: { ...facts.config, carried: `${facts.config.text ?? ""}logLevel: debug\n` },
  };
  const steps = planMigration(withFlags, direction);
  const performer = createPerformer({ root: node.root, systemctl, readyMs: 0 });
  const told: string[] = [];
  const perform = async (action: MigrationAction, signal: AbortSignal): Promise<void> => {
    if (action.kind !== "wait") await performer(action, signal);
  };
  return {
    facts,
    steps,
    journal,
    perform,
    told,
    tell: (line: string) => void told.push(line),
  };
}

function order(direction: Direction, { steps, facts }: Awaited<ReturnType<typeof prepare>>) {
  const finished = direction === "forward" ? rememberOrigin(facts.criDockerd) : {};
  return { direction, steps, begun: 0, finished };
}

const never = new AbortController().signal;

describe.each(Object.entries(nodes))("a node %s", (_, { direction, make }) => {
  test("has gone over when all is done, and then there is nothing left to do", async () => {
    node = await make();
    const parts = await prepare(direction);
    expect(await runMigration(order(direction, parts), parts, never)).toBe(true);
    const after = await node.snapshot();
    const serves = (name: string) => `/units/${name}.service/active` in after;
    expect([serves("dockershim"), serves("cri-docker"), serves("kubelet")]).toEqual(
      direction === "forward" ? [true, false, true] : [false, true, true],
    );
    expect((await prepare(direction)).facts.config.text).toEqual(
      direction === "forward" ? expect.stringContaining("logLevel: debug\n") : undefined,
    );
    const { facts } = await prepare(direction);
    expect(planMigration(facts, direction)).toEqual([]);
  });

  test("is as it was when any step fails, done or not, or is broken off", async () => {
    node = await make();
    const before = await node.snapshot();
    const parts = await prepare(direction);
    const count = parts.steps.reduce((sum, { actions }) => sum + actions.length, 0);
    expect(count).toBeGreaterThan(4);
    for (const how of ["refused", "lost", "broken off"] as const) {
      for (let at = 0; at < count; at++) {
        const ending = new AbortController();
        let fault = at;
        const perform = async (action: MigrationAction, signal: AbortSignal): Promise<void> => {
          const isHere = fault-- === 0;
          if (isHere && how === "refused") throw new Error("refused");
          if (isHere && how === "broken off") ending.abort(new Error("Ctrl-C"));
          await parts.perform(action, signal);
          if (isHere && how === "lost") throw new Error("lost");
        };
        const done = await runMigration(
          order(direction, parts),
          { ...parts, perform },
          ending.signal,
        );
        expect({ how, at, done }).toEqual({ how, at, done: false });
        expect({ how, at, ...(await node.snapshot()) }).toEqual({
          how,
          at,
          ...withoutState(before),
        });
        expect(parts.told.at(-1)).toBe("All is as it was before.");
      }
    }
  });

  test("is gone on with, or taken back, after a crash at any step", async () => {
    node = await make();
    const before = await node.snapshot();
    const parts = await prepare(direction);
    await runMigration(order(direction, parts), parts, never);
    const after = await node.snapshot();
    await undoMigration(parts.steps, parts.steps.length, parts);
    await parts.journal.write({});
    for (const end of ["finish", "undo"] as const) {
      for (let at = 0; at < parts.steps.length; at++) {
        const crash = new Promise<never>(() => undefined);
        // It never comes back from there, as if the process had been killed.
        await new Promise<void>((reached, fail) => {
          const perform = async (action: MigrationAction, signal: AbortSignal): Promise<void> => {
            await parts.perform(action, signal);
            if (!parts.steps[at]?.actions.includes(action)) return;
            reached();
            await crash;
          };
          runMigration(order(direction, parts), { ...parts, perform }, never).then(
            () => fail(new Error(parts.told.join("\n"))),
            fail,
          );
        });
        const { running } = await parts.journal.read();
        expect(running).toMatchObject({ direction, begun: at + 1 });
        const { steps, begun } = running ?? { steps: [], begun: 0 };
        if (end === "finish") {
          const rest = { ...order(direction, parts), steps, begun };
          expect(await runMigration(rest, parts, never)).toBe(true);
          expect({ at, ...(await node.snapshot()) }).toEqual({ at, ...after });
        }
        expect(await undoMigration(steps, steps.length, parts)).toBe(true);
        await parts.journal.write({});
        expect({ at, ...(await node.snapshot()) }).toEqual({ at, ...withoutState(before) });
      }
    }
  });
});

/** The journal's folder is dockershim's own, and stays. */
function withoutState(before: Record<string, string>): Record<string, string> {
  return { ...before, "/root/var": "", "/root/var/lib": "", "/root/var/lib/dockershim": "" };
}

test("what cannot be taken back is told, and all else is taken back", async () => {
  node = await createFakeNode(units("cri-docker"), kubelet(old));
  const before = await node.snapshot();
  const parts = await prepare("forward");
  await node.fail("enable cri-docker.socket cri-docker.service");
  const perform = async (action: MigrationAction, signal: AbortSignal): Promise<void> => {
    if (action.kind === "wait") throw new Error("RuntimeReady is not true");
    await parts.perform(action, signal);
  };
  expect(await runMigration(order("forward", parts), { ...parts, perform }, never)).toBe(false);
  const text = parts.told.join("\n");
  expect(text).toContain("Failed: RuntimeReady is not true");
  expect(text).toContain(
    "By hand, or by `dockershim migrate` once more:\n  - systemctl enable cri-docker",
  );
  const after = await node.snapshot();
  for (const name of ["cri-docker.service", "kubelet.service"]) {
    expect(after).toHaveProperty([`/units/${name}/active`]);
  }
  // Once more, when what stood against it is gone.
  await node.fail("nothing");
  const { running } = await parts.journal.read();
  expect(await undoMigration(running?.steps ?? [], running?.begun ?? 0, parts)).toBe(true);
  expect(await node.snapshot()).toEqual(withoutState(before));
});

test("a file that somebody else changed meanwhile is left to them", async () => {
  node = await createFakeNode(units("cri-docker"), kubelet(old));
  const parts = await prepare("forward");
  const file = `${node.root}/var/lib/kubelet/config.yaml`;
  await writeFile(file, "theirs: 1\n");
  expect(await runMigration(order("forward", parts), parts, never)).toBe(false);
  expect(parts.told).toContainEqual(
    "Failed: /var/lib/kubelet/config.yaml has been changed by somebody else meanwhile",
  );
  expect(await readFile(file, "utf8")).toBe("theirs: 1\n");
});

test("a second migration does not begin while one is under way", async () => {
  node = await createFakeNode(units("cri-docker"), kubelet(old));
  const parts = await prepare("forward");
  const running = { direction: "forward", steps: parts.steps, begun: 2, pid: 77 } as const;
  await parts.journal.write({ running });
  const before = await node.snapshot();
  await expect(runMigration(order("forward", parts), parts, never)).rejects.toThrow(
    "a migration is under way (pid 77)",
  );
  expect(await node.snapshot()).toEqual(before);
});

test.each([
  [
    "is still to go",
    on,
    [expect.stringMatching(/logLevel .* it says "warn", cri-dockerd was told/)],
  ],
  ["has gone", off, []],
])(
  "flags of a cri-dockerd that %s are held against the configuration",
  async (_, state, problems) => {
    const service = { ...state, command: "/usr/bin/cri-dockerd --log-level debug $OPTS" };
    node = await createFakeNode(
      { ...units("dockershim"), "cri-docker.service": service },
      { "/etc/dockershim/config.yaml": "logLevel: warn\n" },
    );
    expect((await prepare("forward")).facts.config.problems).toEqual(problems);
  },
);
