// Shows why one runs Docker under Kubernetes: what `docker build` made runs as a pod, with no registry between.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { down, up } from "../e2e/up-down.ts";
import { command } from "../lab/command.ts";
import { labConfig } from "../lab/config.ts";
import { installMissing } from "../lab/debian.ts";
import { step } from "./step.ts";

type Run = (...args: readonly string[]) => Promise<string>;

/** Runs a program as a person would, and shows both what was typed and what came. */
function shown(program: string, name: string, hidden: readonly string[]): Run {
  return async (...args) => {
    console.log(`$ ${[name, ...args].join(" ")}`);
    const output = await command(program, [...hidden, ...args], { env: { DOCKER_BUILDKIT: "0" } });
    process.stdout.write(output);
    return output;
  };
}

/** Asks a pod's web server through `kubectl port-forward`. */
async function fetchForwarded(kubectl: string, kubeconfig: string, pod: string): Promise<string> {
  const args = ["--kubeconfig", kubeconfig, "port-forward", `pod/${pod}`, ":8080"];
  console.log(`$ kubectl port-forward pod/${pod} :8080 &`);
  const child = spawn(kubectl, args, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const [, port] = /127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (port === undefined) continue;
      console.log(`$ curl http://127.0.0.1:${port}`);
      return await (await fetch(`http://127.0.0.1:${port}`)).text();
    }
    throw new Error("kubectl port-forward ended before it listened");
  } finally {
    child.kill();
    await once(child, "exit");
  }
}

const config = labConfig({ ...process.env, LAB: process.env.LAB ?? "demo" });
const scratch = mkdtempSync(join(tmpdir(), "dockershim-demo-"));
try {
  step(
    "A one-node Kubernetes on Docker and dockershim (the first time it is built: a quarter of an hour)",
  );
  await installMissing([{ file: "docker", package: "docker.io" }]);
  const { lab, kubectl: program, kubeconfig } = await up(config);
  const docker = shown("docker", "docker", ["--host", lab.LAB_DOCKER_ENDPOINT]);
  const kubectl = shown(program, "kubectl", ["--kubeconfig", kubeconfig]);
  await kubectl("get", "nodes", "-o", "wide");

  async function build(tag: string, greeting: string): Promise<void> {
    writeFileSync(join(scratch, "index.html"), `${greeting}\n`);
    const dockerfile = [
      `FROM ${lab.LAB_IMAGE}`,
      "COPY index.html /www/",
      'CMD ["sh", "-c", "echo serving as $(hostname); exec httpd -f -v -p 8080 -h /www"]',
    ];
    writeFileSync(join(scratch, "Dockerfile"), `${dockerfile.join("\n")}\n`);
    await docker("build", "--quiet", "--tag", tag, scratch);
  }

  step("docker build: an image that is nowhere but in this engine");
  await build("hello:1", "Hello from an image without a registry");

  step("kubectl run: the kubelet finds it there");
  await kubectl("run", "hello", "--image=hello:1", "--image-pull-policy=Never", "--port=8080");
  await kubectl("wait", "--for=condition=Ready", "--timeout=120s", "pod/hello");
  await kubectl("get", "pod", "hello", "-o", "wide");

  step("kubectl logs, exec, port-forward");
  await kubectl("logs", "hello");
  await kubectl("exec", "hello", "--", "cat", "/www/index.html");
  process.stdout.write(await fetchForwarded(program, kubeconfig, "hello"));

  step("Change, build, run: the pod takes the new image at once");
  await build("hello:2", "Hello again, one build later");
  await kubectl("set", "image", "pod/hello", "hello=hello:2");
  await kubectl(
    ...["wait", "--for=jsonpath={.status.containerStatuses[0].image}=hello:2"],
    ...["--timeout=120s", "pod/hello"],
  );
  await kubectl("wait", "--for=condition=Ready", "--timeout=120s", "pod/hello");
  await kubectl("exec", "hello", "--", "cat", "/www/index.html");
  await kubectl("delete", "pod", "hello", "--now");
  step("Done. Cleaning up");
} catch (err) {
  console.error(`the demo failed: ${err instanceof Error ? err.message : err}`);
  process.exitCode = 1;
} finally {
  await down(config);
  rmSync(scratch, { recursive: true, force: true });
}
