import { expect, test } from "@jest/globals";
import type { ContainerRecord } from "../src/state/records.js";
import { createAttachSession } from "../src/streaming/attach-session.js";

const id = "a".repeat(64);
const { signal } = new AbortController();

/** A container with a terminal, as the engine's list tells of it, or as an inspect does. */
const recordOf = (unread: boolean): ContainerRecord =>
  ({
    kind: "container",
    id,
    unread,
    inspect: {
      State: { Status: "running", Running: true },
      Config: unread ? {} : { Tty: true },
      HostConfig: unread ? {} : { LogConfig: { Type: "local" } },
    },
  }) as unknown as ContainerRecord;

test("an attach to a container that could not be read yet takes its terminal for one", async () => {
  let record = recordOf(true);
  const asked: unknown[] = [];
  const attach = createAttachSession({
    docker: {
      containers: {
        async attach(_id, { tty }) {
          asked.push(tty);
          throw new Error("this is all that is looked at");
        },
        resize: async () => undefined,
      },
    },
    store: {
      container: () => record,
      containers: () => [record],
      async refresh() {
        record = recordOf(false);
      },
    },
  });
  const session = { containerId: id, stdin: null, stdout: null, stderr: null, signal };
  await expect(attach(session as never)).rejects.toThrow("this is all");
  expect(asked).toEqual([true]);
});
