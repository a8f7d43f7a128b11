import { expect, test } from "@jest/globals";
import { unitText } from "../daemon-unit.ts";

const unit = {
  name: "tested",
  program: "/opt/node",
  args: ["/opt/a folder/dockershim.js", "serve", "--root-dir=/var/100%"],
  socket: "/run/tested/shim.sock",
  logFile: "/run/tested/daemon.log",
  pidFile: "/run/tested/daemon.pid",
};

test("the tested daemon's unit is the installed one, with no socket that starts it again", () => {
  const lines = unitText(unit).split("\n");
  expect(lines).toContain(
    'ExecStart="/opt/node" "/opt/a folder/dockershim.js" "serve" "--root-dir=/var/100%%"',
  );
  expect(lines).toContain("Restart=always");
  expect(lines).toContain("OOMScoreAdjust=-999");
  expect(lines.filter((line) => /^(Requires|Wants)=.*socket/.test(line))).toEqual([]);
});

test("it says the number of its process, and nothing else, in a file", () => {
  expect(unitText(unit)).toContain(
    '\nExecStartPost=/bin/sh -c "printf %%s $MAINPID >/run/tested/daemon.pid"\n',
  );
});
