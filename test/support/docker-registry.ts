import { type ChildProcess, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { jwtSigner } from "./jwt.ts";
import { requirePeer } from "./peers.ts";
import { type TempFolder, tempFolder } from "./temp.ts";
import type { Certificate, Pki } from "./tls.ts";
import { startTokenServer, type TokenServer, type TokenServerOptions } from "./token-server.ts";

export interface DockerRegistryOptions {
  /** "htpasswd" knows one user, {@link htpasswdUser}; "token" has a token server of its own. */
  readonly auth?:
    | "none"
    | "htpasswd"
    | { readonly token: TokenServerOptions; readonly key: Certificate };
  /** TLS with the server's certificate of this authority; `clients`: only those with one of it. */
  readonly tls?: { readonly pki: Pki; readonly clients?: boolean };
  /** Keep blobs in this folder instead of one of its own. */
  readonly root?: string;
}

/** docker-registry (distribution 2.8) on a free port of 127.0.0.1. */
export interface DockerRegistry extends AsyncDisposable {
  readonly host: string;
  readonly origin: string;
  readonly tokens: TokenServer | undefined;
  /** What it logged so far. */
  log(): string;
}

/** The one user of "htpasswd". */
export const htpasswdUser = { name: "ann", password: "secret" } as const;
// bcrypt of the above, made by htpasswd -nbB.
const htpasswdLine = "ann:$2y$05$cDZ.YJO6YYemJQT2av0tJ.NYlu/5pFbyQjwZmnbjz/gh.S/QcY0Mm\n";

/** Starts it and waits until it listens. Test with `skipWithout("docker-registry")`. */
export async function startDockerRegistry(
  options: DockerRegistryOptions = {},
): Promise<DockerRegistry> {
  const folder = await tempFolder();
  const { auth = "none" } = options;
  const tokens = typeof auth === "object" ? await startTokens(auth) : undefined;
  const config = folder.in("config.json");
  await writeFile(folder.in("htpasswd"), htpasswdLine);
  await writeFile(config, JSON.stringify(configOf(options, folder, tokens)));
  const child = spawn(requirePeer("docker-registry"), ["serve", config], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: "/usr/bin:/bin", OTEL_TRACES_EXPORTER: "none" },
  });
  const lines: string[] = [];
  const host = await listening(child, lines);
  return {
    host,
    origin: `${options.tls ? "https" : "http"}://${host}`,
    tokens,
    log: () => lines.join(""),
    async [Symbol.asyncDispose]() {
      await stop(child);
      await tokens?.[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function startTokens(auth: { token: TokenServerOptions; key: Certificate }): Promise<TokenServer> {
  return startTokenServer({ ...auth.token, sign: jwtSigner(auth.key, "amphora-test") });
}

function configOf(
  options: DockerRegistryOptions,
  folder: TempFolder,
  tokens: TokenServer | undefined,
): unknown {
  const { tls } = options;
  return {
    version: "0.1",
    log: { level: "info" },
    storage: {
      filesystem: { rootdirectory: options.root ?? folder.in("data") },
      delete: { enabled: true },
    },
    compatibility: { schema1: { enabled: true } },
    http: {
      addr: "127.0.0.1:0",
      secret: "amphora",
      ...(tls && {
        tls: {
          certificate: tls.pki.server.certPath,
          key: tls.pki.server.keyPath,
          ...(tls.clients && { clientcas: [tls.pki.ca.certPath] }),
        },
      }),
    },
    ...authOf(options, folder, tokens),
  };
}

function authOf(
  { auth }: DockerRegistryOptions,
  folder: TempFolder,
  tokens: TokenServer | undefined,
): object {
  if (auth === "htpasswd") {
    return { auth: { htpasswd: { realm: "amphora test", path: folder.in("htpasswd") } } };
  }
  if (typeof auth !== "object" || !tokens) return {};
  const token = { realm: tokens.realm, service: "amphora", issuer: "amphora-test" };
  return { auth: { token: { ...token, rootcertbundle: auth.key.certPath } } };
}

async function listening(child: ChildProcess, lines: string[]): Promise<string> {
  return await new Promise((resolve, reject) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      lines.push(chunk.toString());
      const address = /listening on ([\d.]+:\d+)/.exec(lines.join(""));
      if (address?.[1]) resolve(address[1]);
    });
    child.on("error", reject);
    child.on("exit", (code) =>
      reject(new Error(`docker-registry ended (${code}): ${lines.join("")}`)),
    );
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

/** A blob's or manifest's bytes as docker-registry keeps them under `root`. */
export function storedBytes(root: string, digest: string): Promise<Buffer> {
  const hex = digest.slice(digest.indexOf(":") + 1);
  return readFile(`${root}/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`);
}
