import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { requirePeer } from "./peers.ts";
import { run } from "./run.ts";
import { type TempFolder, tempFolder } from "./temp.ts";

/** A key and its certificate: PEM texts, and the files they are in. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
  readonly keyPath: string;
  readonly certPath: string;
}

/** A small certificate authority with what it issued. Gone with its folder. */
export interface Pki extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly ca: Certificate;
  /** For 127.0.0.1, 127.0.0.2, ::1, localhost, and the host of docker.io. */
  readonly server: Certificate;
  readonly client: Certificate;
  /** For the same names, from nobody that is trusted. */
  readonly stranger: Certificate;
}

const names =
  "subjectAltName=IP:127.0.0.1,IP:127.0.0.2,IP:::1,DNS:localhost,DNS:registry-1.docker.io";

/** Makes a CA, a server's and a client's certificate with the openssl command: test with `skipWithout("openssl")`. */
export async function makePki(): Promise<Pki> {
  const folder = await tempFolder();
  const ca = await selfSigned(folder, "ca", "basicConstraints=critical,CA:TRUE");
  return {
    folder,
    ca,
    server: await issued(folder, ca, "server", names),
    client: await issued(folder, ca, "client", "extendedKeyUsage=clientAuth"),
    stranger: await selfSigned(folder, "stranger", names),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** A folder as `certs.d/HOST` is: the CA, and the client's certificate with its key. */
export async function certDir(pki: Pki): Promise<string> {
  const path = pki.folder.in("certs");
  await mkdir(path, { recursive: true });
  await copyFile(pki.ca.certPath, pki.folder.in("certs", "ca.crt"));
  await copyFile(pki.client.certPath, pki.folder.in("certs", "client.cert"));
  await copyFile(pki.client.keyPath, pki.folder.in("certs", "client.key"));
  return path;
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

async function selfSigned(folder: TempFolder, name: string, extension: string) {
  const paths = { keyPath: folder.in(`${name}.key`), certPath: folder.in(`${name}.crt`) };
  await openssl(
    ["req", "-x509", ...newKey, "-days", "30", "-subj", `/CN=amphora test ${name}`],
    ["-addext", extension, "-keyout", paths.keyPath, "-out", paths.certPath],
  );
  return read(paths);
}

async function issued(folder: TempFolder, ca: Certificate, name: string, extension: string) {
  const paths = { keyPath: folder.in(`${name}.key`), certPath: folder.in(`${name}.crt`) };
  const request = folder.in(`${name}.csr`);
  const extensions = folder.in(`${name}.ext`);
  await writeFile(extensions, `${extension}\n`);
  await openssl(
    ["req", "-new", ...newKey, "-subj", `/CN=amphora test ${name}`],
    [...["-keyout", paths.keyPath, "-out", request]],
  );
  await openssl(
    ["x509", "-req", "-in", request, "-days", "30", "-CA", ca.certPath, "-CAkey", ca.keyPath],
    ["-CAcreateserial", "-extfile", extensions, "-out", paths.certPath],
  );
  return read(paths);
}

async function read(paths: { keyPath: string; certPath: string }): Promise<Certificate> {
  const [key, cert] = await Promise.all([
    readFile(paths.keyPath, "utf8"),
    readFile(paths.certPath, "utf8"),
  ]);
  return { key, cert, ...paths };
}

async function openssl(...args: readonly (readonly string[])[]): Promise<void> {
  const { exitCode, stderr } = await run(requirePeer("openssl"), args.flat());
  if (exitCode !== 0) throw new Error(`openssl ${args.flat().join(" ")}: ${stderr}`);
}
