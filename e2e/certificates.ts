import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../lab/command.ts";

/** Who a certificate is for. */
export interface Subject {
  /** The file's name, and the user that Kubernetes takes its bearer for unless `user` says another one. */
  readonly name: string;
  readonly user?: string;
  readonly group?: string;
  /** The addresses that a server answers at. */
  readonly addresses?: readonly string[];
}

/** A certificate and its key, as PEM files. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Longer than any cluster of ours lives. */
const days = "365";

/** Makes a key and a certificate of it by openssl; what is there already stays. */
async function make(
  folder: string,
  { name, user = name, group, addresses = [] }: Subject,
  extensions: readonly string[],
  authority?: Certificate,
): Promise<Certificate> {
  const made = { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  if (existsSync(made.certificate)) return made;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // The machine's own openssl.cnf would add extensions.
  const config = join(folder, "openssl.cnf");
  writeFileSync(config, "[req]\ndistinguished_name = name\n[name]\n");
  const names = addresses.map((address) => `IP:${address}`).join(",");
  const all = [...extensions, ...(names === "" ? [] : [`subjectAltName=${names}`])];
  await command("openssl", [
    ...["req", "-x509", "-config", config, "-days", days, "-nodes"],
    ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ...["-subj", `${group === undefined ? "" : `/O=${group}`}/CN=${user}`],
    ...(authority === undefined ? [] : ["-CA", authority.certificate, "-CAkey", authority.key]),
    ...all.flatMap((extension) => ["-addext", extension]),
    ...["-keyout", made.key, "-out", made.certificate],
  ]);
  return made;
}

/** Makes the certificate authority of a cluster, which trusts no other one. */
export function createAuthority(folder: string): Promise<Certificate> {
  return make(folder, { name: "ca", user: "cluster" }, [
    "basicConstraints=critical,CA:TRUE",
    "keyUsage=critical,keyCertSign,digitalSignature",
    "subjectKeyIdentifier=hash",
  ]);
}

/** Makes a certificate that the authority signs, for a client and, with addresses, for a server too. */
export function issueCertificate(
  folder: string,
  authority: Certificate,
  subject: Subject,
): Promise<Certificate> {
  const usage = subject.addresses === undefined ? "clientAuth" : "clientAuth,serverAuth";
  return make(
    folder,
    subject,
    ["basicConstraints=critical,CA:FALSE", `extendedKeyUsage=${usage}`],
    authority,
  );
}

/** Makes the key that tokens of service accounts are signed with; what is there already stays. */
export function createTokenKey(folder: string): {
  readonly private: string;
  readonly public: string;
} {
  const files = { private: join(folder, "tokens.key"), public: join(folder, "tokens.pub") };
  if (existsSync(files.public)) return files;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  writeFileSync(files.private, privateKey, { mode: 0o600 });
  writeFileSync(files.public, publicKey);
  return files;
}
