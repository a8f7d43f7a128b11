import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "@jest/globals";
import {
  type OciSpec,
  type SpecHook,
  type SpecHookOptions,
  serveSpecHook,
  specHookShim,
} from "../src/index.js";
import { createHookWorld, newId, specOf } from "./hook-world.ts";

const meetingPlace = "/run/dockershim/spec-hook";
// The hook serves root alone, and its place is root's.
const root = process.getuid?.() === 0;

(root ? describe : describe.skip)("a container whose spec is completed (as root)", () => {
  const world = createHookWorld();
  const servers: SpecHook[] = [];
  const refused: unknown[] = [];
  let names = 0;

  afterEach(async () => {
    for (const server of servers.splice(0)) {
      for (const id of server.announced()) server.withdraw(id);
      await server.close();
    }
    refused.splice(0);
  });
  afterAll(() => world.remove());

  function serve(complete: SpecHookOptions["complete"], name = `test-${process.pid}-${names++}`) {
    const server = serveSpecHook({
      name,
      complete,
      onRefused: (id, err) => refused.push([id, (err as Error).message]),
    });
    servers.push(server);
    return server;
  }

  const withHostname = (_id: string, spec: OciSpec): OciSpec => ({ ...spec, hostname: "changed" });

  it("starts with the spec that the daemon made of the engine's, and all arguments", async () => {
    const bundle = world.bundle('{"hostname":"old","big":18446744073709551615,"f":0.10}');
    serve(withHostname).announce(basename(bundle));
    const ended = await world.shim(bundle, ["-namespace", "moby", "-id", "x y", "start"]);
    expect(ended).toEqual({
      code: 0,
      err: "",
      // Numbers that JavaScript cannot hold are as they were.
      out:
        "containerd-shim-runc-v2 -namespace moby -id x y start\n" +
        '{"hostname":"changed","big":18446744073709551615,"f":0.10}',
    });
    expect(readdirSync(bundle)).toEqual(["config.json"]);
  });

  it("starts likewise where the hook stands in for runc", async () => {
    const bundle = world.bundle("{}");
    serve(withHostname).announce(basename(bundle));
    const { code, out } = await world.runc(["--log", "x", "create", "--bundle", bundle, "id"]);
    expect({ code, spec: specOf(bundle) }).toEqual({ code: 0, spec: '{"hostname":"changed"}' });
    expect(out).toContain(`runc --log x create --bundle ${bundle} id\n`);
  });

  it.each([
    ["the shim", ["-bundle", "x", "delete"]],
    ["the shim", ["-info"]],
    ["runc", ["kill", "--all", "id"]],
    ["runc", ["delete", "--force", "create-me"]],
  ])("asks nobody for any other call of %s (%j)", async (what, args) => {
    const bundle = world.bundle("{}");
    const call = what === "runc" ? world.runc(args) : world.shim(bundle, args);
    expect((await call).out).toContain(args.join(" "));
  });

  it("does not start without a daemon that answers for it", async () => {
    const bundle = world.bundle("{}");
    expect(await world.shim(bundle, ["start"])).toEqual({
      code: 1,
      out: "",
      err: expect.stringMatching(
        /^dockershim: the daemon .* does not run or does not know the container\n$/,
      ),
    });
  });

  it("tells why in runc's log where it stands in for that, which is all that containerd reads", async () => {
    const bundle = world.bundle("{}");
    const log = join(bundle, "log.json");
    const refuse = (): never => {
      throw new Error('no mount at "/a\\b"');
    };
    serve(refuse).announce(basename(bundle));
    const args = ["--log", log, "--log-format", "json", "create", "--bundle", bundle, "id"];
    const { code, err } = await world.runc(args);
    expect({ code, err }).toEqual({ code: 1, err: 'dockershim: no mount at "/a\\b"\n' });
    const lines = readFileSync(log, "utf8").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: "error", msg: 'dockershim: no mount at "/a\\b"' },
    ]);
  });

  it("does not start when the daemon died since, and starts when it is back", async () => {
    const bundle = world.bundle("{}");
    const id = basename(bundle);
    const name = `test-${process.pid}-died`;
    const first = serve(withHostname, name);
    first.announce(id);
    await first.close();
    expect((await world.shim(bundle, ["start"])).code).toBe(1);
    const second = serve(withHostname, name);
    expect(second.announced()).toEqual([id]);
    second.announce(id);
    expect((await world.shim(bundle, ["start"])).code).toBe(0);
  });

  it("is forgotten with the root folder of who announced it, and no other is", async () => {
    const ids = { lost: newId(), kept: newId(), rootless: newId() };
    const prefix = `test-${process.pid}-root`;
    for (const [kind, id] of Object.entries(ids)) {
      const name = `${prefix}-${kind}`;
      const folder = join(world.root, name);
      mkdirSync(folder);
      const server = serveSpecHook({
        name,
        complete: withHostname,
        ...(kind === "rootless" ? {} : { root: folder }),
      });
      servers.push(server);
      server.announce(id);
      // Its process dies: another of that name would find the link.
      await server.close();
    }
    rmSync(join(world.root, `${prefix}-lost`), { recursive: true });
    const other = serve(withHostname);
    other.forgetLost();
    const left = readdirSync(meetingPlace);
    expect(left).not.toContain(ids.lost);
    expect(left.filter((entry) => entry.startsWith(`${prefix}-lost`))).toEqual([]);
    expect(left).toEqual(expect.arrayContaining([ids.kept, ids.rootless]));
    rmSync(join(world.root, `${prefix}-kept`), { recursive: true });
    other.forgetLost();
    expect(readdirSync(meetingPlace)).not.toContain(ids.kept);
  });

  it("does not start when it was withdrawn", async () => {
    const bundle = world.bundle("{}");
    const server = serve(withHostname);
    server.announce(basename(bundle));
    server.withdraw(basename(bundle));
    expect((await world.shim(bundle, ["start"])).code).toBe(1);
  });

  it("does not start when its spec cannot be completed, and says why in one line", async () => {
    const bundle = world.bundle('{"a":1}');
    serve(() => {
      throw new Error(`no such\nthing ${"é".repeat(2000)}`);
    }).announce(basename(bundle));
    const { code, err, out } = await world.shim(bundle, ["start"]);
    expect({ code, out, spec: specOf(bundle) }).toEqual({ code: 1, out: "", spec: '{"a":1}' });
    expect(err).toMatch(/^dockershim: no such thing é+�?\n$/);
    expect(refused).toEqual([[basename(bundle), expect.stringContaining("no such")]]);
  });

  it("does not start when the daemon dies over the answer", async () => {
    const bundle = world.bundle("{}");
    const id = basename(bundle);
    const listener = createServer((socket) => socket.once("data", () => socket.destroy()));
    await new Promise<void>((resolve) => listener.listen(join(meetingPlace, `${id}.x`), resolve));
    symlinkSync(`${id}.x`, join(meetingPlace, id));
    const { code, err } = await world.shim(bundle, ["start"]);
    rmSync(join(meetingPlace, id));
    listener.close();
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("went away") });
  });

  it("is not mixed up with that of another daemon", async () => {
    const bundle = world.bundle("{}");
    serve(() => ({ by: "other" })).announce(newId());
    serve(() => ({ by: "mine" })).announce(basename(bundle));
    await world.shim(bundle, ["start"]);
    expect(specOf(bundle)).toBe('{"by":"mine"}');
  });

  describe("is refused to whoever names", () => {
    /** Asks as a hook does, about another bundle than one's own. */
    async function ask(id: string, question: string): Promise<string> {
      return await new Promise((resolve, reject) => {
        const socket = connect(join(meetingPlace, id));
        let answer = "";
        socket.setEncoding("utf8").on("data", (chunk) => {
          answer += chunk;
        });
        socket.once("error", reject).once("close", () => resolve(answer));
        socket.write(question);
      });
    }

    it.each<[string, (bundle: string) => string, RegExp]>([
      ["what is no bundle", (bundle) => dirname(bundle), /no path of a bundle/],
      ["a bundle that is not there", (bundle) => bundle.slice(0, -64) + newId(), /cannot be found/],
      ["a container that is not known", () => world.bundle("{}"), /is not known/],
      [
        "a way around",
        (bundle) => `${dirname(bundle)}/../moby/${basename(bundle)}`,
        /no path of a bundle/,
      ],
      [
        "a link",
        () => {
          const target = world.bundle("{}");
          const link = join(dirname(target), newId());
          symlinkSync(target, link);
          return link;
        },
        /leads elsewhere/,
      ],
      [
        "a folder that others can write to",
        () => {
          const path = world.bundle("{}");
          chmodSync(path, 0o777);
          return path;
        },
        /not only root's/,
      ],
      [
        "somebody else's folder",
        () => {
          const path = world.bundle("{}");
          chownSync(path, 1000, 1000);
          return path;
        },
        /not root's/,
      ],
      [
        "a spec that is a link",
        () => {
          const path = world.bundle("{}");
          rmSync(join(path, "config.json"));
          symlinkSync("/etc/passwd", join(path, "config.json"));
          return path;
        },
        /cannot be opened/,
      ],
      ["a spec that is none", () => world.bundle("[1]"), /no JSON object/],
    ])("%s", async (_what, path, reason) => {
      const bundle = world.bundle("{}");
      const id = basename(bundle);
      let completed = 0;
      serve((_id, spec) => {
        completed++;
        return spec;
      }).announce(id);
      expect(await ask(id, `spec-hook 1 ${path(bundle)}\n`)).toMatch(reason);
      expect(completed).toBe(0);
    });

    it.each(["GET / HTTP/1.1\n", "spec-hook 2 /x\n", `spec-hook 1 ${"/x".repeat(3000)}`])(
      "what the hook does not say: %.20s",
      async (question) => {
        const id = newId();
        serve(withHostname).announce(id);
        expect(await ask(id, question)).toMatch(/no question of this version/);
      },
    );
  });

  it("has a socket and a folder that only root can use", async () => {
    const server = serve(withHostname);
    server.announce(newId());
    const sockets = readdirSync(meetingPlace).filter((entry) => /^test-.*sock$/.test(entry));
    expect(sockets.length).toBeGreaterThan(0);
    expect(statSync(meetingPlace).mode & 0o077).toBe(0);
    for (const socket of sockets) expect(statSync(join(meetingPlace, socket)).mode & 0o177).toBe(0);
  });

  it("is not served where others could put their own link", () => {
    const directory = join(world.root, "open", "spec-hook");
    mkdirSync(directory, { recursive: true });
    chmodSync(dirname(directory), 0o777);
    const server = serveSpecHook({ name: "open", complete: withHostname, directory });
    expect(() => server.announce(newId())).toThrow(/open is not only root's/);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("makes nothing on a node where no container needs it", () => {
    const name = `test-${process.pid}-idle`;
    serve(withHostname, name);
    expect(existsSync(join(meetingPlace, `${name}.sock`))).toBe(false);
  });

  it("takes the shim that lies beside the program of whoever calls it, as containerd does", async () => {
    const folder = join(world.root, "beside");
    mkdirSync(folder);
    const caller = join(folder, "caller");
    copyFileSync(realpathSync("/bin/sh"), caller);
    const hook = join(world.root, "bin", specHookShim);
    // The shell must not become the hook itself, for then it would not be its parent.
    const call = () =>
      spawnSync(caller, ["-c", `${hook} -info; exit $?`], { env: { PATH: "/nowhere" } });
    const alone = call();
    expect([alone.status, String(alone.stderr)]).toEqual([
      1,
      expect.stringContaining("not on the PATH"),
    ]);
    writeFileSync(join(folder, "containerd-shim-runc-v2"), "#!/bin/sh\necho beside $1\n", {
      mode: 0o755,
    });
    expect(String(call().stdout)).toBe("beside -info\n");
  });
});
