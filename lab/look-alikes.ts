import { chmodSync, mkdirSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import type { Need } from "./debian.ts";
import { unpackPackages } from "./debian.ts";
import { type ImageRecipe, searchPath } from "./images.ts";
import {
  addFile,
  addProgram,
  addText,
  addUserInGroup,
  busyboxRoot,
  staticBusyboxRoot,
} from "./rootfs.ts";

/** Registries whose names the conformance tests of CRI pull from. */
export const publicRegistries: readonly string[] = ["registry.k8s.io", "k8s.gcr.io", "gcr.io"];

/** What the look-alikes are made of, besides what every lab needs. */
export const lookAlikeNeeds: readonly Need[] = [
  // For the TLS library that nginx is linked with.
  { file: "openssl", package: "openssl" },
  { file: "/bin/dash", package: "dash" },
];

/** Fetches nginx, which nobody here wants to have installed and started. */
export async function unpackNginx(cacheDir: string, signal?: AbortSignal): Promise<string> {
  const folder = join(cacheDir, "nginx");
  await unpackPackages(folder, ["nginx"], { signal });
  return folder;
}

/** The real nginx on a busybox root, serving its well-known page. */
export function nginxRoot(port: number): ImageRecipe["build"] {
  return async (root, cacheDir) => {
    const unpacked = await unpackNginx(cacheDir);
    await busyboxRoot(root, cacheDir);
    await addProgram(root, join(unpacked, "usr/sbin/nginx"), "usr/sbin/nginx");
    for (const folder of ["var/run", "var/log/nginx", "var/lib/nginx"]) {
      mkdirSync(join(root, folder), { recursive: true });
    }
    addText(
      root,
      "usr/share/nginx/html/index.html",
      "<html><head><title>Welcome to nginx!</title></head>" +
        "<body><h1>Welcome to nginx!</h1></body></html>\n",
    );
    addText(
      root,
      "etc/nginx/nginx.conf",
      [
        "daemon off;",
        "pid /var/run/nginx.pid;",
        "error_log stderr;",
        "events {}",
        "http {",
        "  access_log /dev/stdout;",
        `  server { listen ${port}; root /usr/share/nginx/html; index index.html; }`,
        "}",
        "",
      ].join("\n"),
    );
  };
}

/** A program with the set-user-ID bit, which keeps the rights it gets and says whose they are. */
export async function setuidRoot(root: string, cacheDir: string): Promise<void> {
  await busyboxRoot(root, cacheDir);
  // dash -p keeps an effective user that differs from the real one, as a shell does not otherwise.
  await addProgram(root, "/bin/dash", "nnp");
  chmodSync(join(root, "nnp"), 0o4755);
}

/** By builtins alone: busybox, run by a shell with the rights of another user, gives them up. */
const sayEffectiveUser =
  'while read -r name real effective rest; do [ "$name" != Uid: ] || echo "Effective uid: $effective"; ' +
  "done </proc/self/status";

/** What an image of {@link setuidRoot} runs. */
export const setuidCommand = `CMD ${JSON.stringify(["/nnp", "-p", "-c", sayEffectiveUser])}`;

/** A user of its own who is also in a group of its own, by the image's account files alone. */
async function predefinedGroupRoot(root: string): Promise<void> {
  await staticBusyboxRoot(root);
  addUserInGroup(root, "default-user");
}

/** One file that is the image's own keeps images with the same program apart. */
export function markedRoot(mark: string): ImageRecipe["build"] {
  return async (root) => {
    await staticBusyboxRoot(root);
    addText(root, "etc/look-alike", `${mark}\n`);
  };
}

/** A web server that says its name on its log, as Apache does. */
async function httpdRoot(root: string, cacheDir: string): Promise<void> {
  await busyboxRoot(root, cacheDir);
  addText(root, "var/www/index.html", "<html><body><h1>It works!</h1></body></html>\n");
}

const busybox = "/bin/busybox";

/** What an image of {@link pauseRoot} runs: unlike a lone `sleep` as process 1, it ends when it is told to. */
export const pauseCommand = `CMD ${JSON.stringify([
  ...[busybox, "sh", "-c"],
  `trap "exit 0" TERM INT; ${busybox} sleep 2147483647 & wait`,
])}`;

export async function pauseRoot(root: string): Promise<void> {
  addFile(root, busybox, "bin/busybox");
}

/** Recipes of images in a registry; `changes` come behind the path that programs are looked for in. */
export function recipesOf(registry: string) {
  return (
    name: string,
    tag: string,
    build: ImageRecipe["build"],
    changes: readonly string[] = ['CMD ["sh"]'],
    aliases: readonly string[] = [],
  ): ImageRecipe => ({
    repository: `${registry}/${name}`,
    tag,
    revision: 1,
    build,
    changes: [searchPath, ...changes],
    ...(aliases.length > 0 ? { aliases } : {}),
  });
}

/**
 * Stand-ins for the images that critest pulls, made on this machine, to be served by the lab's registry. Its
 * engine asks that registry whichever public one it is told to pull from, so only the path counts.
 *
 * @param registry - the lab's own registry, as `host:port`
 */
export function lookAlikeImages(registry: string): ImageRecipe[] {
  const image = recipesOf(registry);
  const e2e = "e2e-test-images";
  const staging = "k8s-staging-cri-tools";
  const nginx = ['CMD ["nginx"]'];
  const architecture = arch() === "x64" ? "amd64" : arch();
  const simple = (name: string, tag: string, aliases: readonly string[] = []): ImageRecipe =>
    image(`${staging}/${name}`, tag, markedRoot(`${name}:${tag}`), ['CMD ["sh"]'], aliases);
  const withUser = (name: string, user: string): ImageRecipe =>
    image(`${staging}/test-image-${name}`, "latest", markedRoot(name), [
      `USER ${user}`,
      'CMD ["sh"]',
    ]);
  return [
    image(`${e2e}/busybox`, "1.29-2", busyboxRoot),
    image(`${e2e}/nginx`, "1.14-2", nginxRoot(80), nginx),
    image(`${staging}/hostnet-nginx-${architecture}`, "latest", nginxRoot(12_003), nginx),
    image(`${e2e}/httpd`, "2.4.39-4", httpdRoot, [
      'CMD ["sh", "-c", "echo httpd: serving on port 80; exec httpd -f -p 80 -h /var/www"]',
    ]),
    image(`${e2e}/nonewprivs`, "1.3", setuidRoot, [setuidCommand]),
    ...["3.9", "3.10"].map((tag) => image("pause", tag, pauseRoot, [pauseCommand])),
    simple("test-image-latest", "latest"),
    simple("test-image-tag", "test", ["all"]),
    ...["1", "2", "3"].map((number) => simple(`test-image-${number}`, "latest")),
    simple("test-image-tags", "1", ["2", "3"]),
    withUser("user-uid", "1002"),
    withUser("user-username", "www-data"),
    withUser("user-uid-group", "1003:users"),
    withUser("user-username-group", "www-data:100"),
    image(`${staging}/test-image-predefined-group`, "latest", predefinedGroupRoot, [
      "USER 1000",
      'CMD ["sh"]',
    ]),
  ];
}
