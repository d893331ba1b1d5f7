import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { writeImageFolder } from "../../support/image-folder.ts";
import { makeImage, type TestImage } from "../../support/images.ts";
import { type GpgHome, generateKey, gpgHome } from "../../support/openpgp/gpg.ts";
import { type CliHome, cliHome } from "../../support/run-cli.ts";
import { type ServeProcess, startServe } from "../../support/serve-process.ts";
import type { Pki } from "../../support/tls.ts";

/**
 * A registry that everybody reaches, with an image that Ann has signed and one that nobody has, and a server in front of
 * it that lets out what Ann or it itself has signed.
 */
export interface ServeWorld extends AsyncDisposable {
  readonly upstream: DockerRegistry;
  readonly server: ServeProcess;
  readonly home: CliHome;
  /** Its alias on the server is `up`, so that this is `HOST:PORT/up`. */
  readonly through: string;
  readonly images: { readonly signed: TestImage; readonly unsigned: TestImage };
  /** Writes what `amphora setup CLIENT` writes for this server and this upstream, and gives the folder it is below. */
  setUp(client: string): Promise<string>;
  /** A policy file for clients: only what is signed by the server's key. */
  readonly clientPolicy: string;
  /** Runs the program as built, which has to go well. */
  amphora(...args: readonly string[]): Promise<string>;
}

/** What the server answers for the image that nobody has signed. */
export const refusal = /policy: A signature was required, but no signature exists/;

/** More sections of the configuration, made when the upstream's name is known. */
export type MoreSettings = (parts: {
  readonly upstream: string;
  readonly home: CliHome;
  /** The section as it is without more. */
  readonly signing: object;
}) => Promise<Readonly<Record<string, unknown>>> | Readonly<Record<string, unknown>>;

/**
 * `await using world = await serveWorld()`. Needs docker-registry and gpg.
 *
 * @param pki whose certificate the server has; without it, it is spoken to in plain http
 */
export async function serveWorld(more: MoreSettings = () => ({}), pki?: Pki): Promise<ServeWorld> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startDockerRegistry());
  const home = stack.use(await cliHome());
  const gpg = stack.use(gpgHome());
  const at = home.folder.in;
  const ann = await makeKey(gpg, "ann", at("ann.pub"));
  const own = await makeKey(gpg, "server", at("server.pub"));
  await home.write(
    ".config/containers/registries.d/default.yaml",
    `default-docker:\n  lookaside: file://${at("sigs")}\n`,
  );
  const amphora = async (...args: readonly string[]) => {
    const { exitCode, stdout, stderr } = await home.run(args, { env: { GNUPGHOME: gpg.path } });
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  const images = { signed: makeImage({ seed: 1 }), unsigned: makeImage({ seed: 2 }) };
  for (const [name, image] of Object.entries(images)) {
    await writeImageFolder(at(name), image);
    const signing = name === "signed" ? ["--sign-by", ann] : [];
    const to = `docker://${upstream.host}/team/${name}:1`;
    await amphora("copy", "--dest-tls-verify=false", ...signing, `dir:${at(name)}`, to);
  }
  const keyPaths = [at("ann.pub"), at("server.pub")];
  await writeFile(at("server.json"), policyFor(upstream.host, { keyPaths }));
  await writeFile(at("client.json"), policyFor(upstream.host, { keyPath: at("server.pub") }));
  const signing = {
    keys: { own: { type: "gpg", key: own, home: gpg.path } },
    rules: [{ repositories: [`${upstream.host}/**`], keys: ["own"] }],
  };
  const settings = {
    name: "registry.test",
    upstreams: [upstreamSettings(upstream)],
    admission: { policy: at("server.json") },
    signing,
    ...(pki && { tls: { cert: pki.server.certPath, key: pki.server.keyPath } }),
    ...(await more({ upstream: upstream.host, home, signing })),
  };
  const server = stack.use(await startServe({ settings, env: home.env }));
  const kept = stack.move();
  let setups = 0;
  return {
    upstream,
    server,
    home,
    images,
    amphora,
    through: `${server.host}/up`,
    clientPolicy: at("client.json"),
    async setUp(client) {
      setups += 1;
      const root = at(`setup-${setups}`);
      const registry = ["--registry", `${upstream.host}=up`];
      const ca = pki ? ["--ca", pki.ca.certPath] : [];
      const flags = ["--endpoint", server.url, ...registry, ...ca, "--write", "--root", root];
      await amphora("setup", client, ...flags);
      return root;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function makeKey(gpg: GpgHome, name: string, file: string): Promise<string> {
  const key = generateKey(gpg, `${name}@a.test`, "ed25519");
  await writeFile(file, gpg.output(["--export", key]));
  return key;
}

function policyFor(scope: string, keys: object): string {
  const requirement = { type: "signedBy", keyType: "GPGKeys", ...keys };
  const docker = { [scope]: [requirement] };
  return JSON.stringify({ default: [{ type: "reject" }], transports: { docker } });
}

function upstreamSettings({ host, origin }: DockerRegistry): object {
  return { name: host, alias: "up", url: origin, insecure: true, push: "write-through" };
}

/** The text of the file that setup wrote below `root`. */
export function readSetup(root: string, path: string): Promise<string> {
  return readFile(join(root, path), "utf8");
}

/**
 * Fails if anybody but the server has asked the upstream for anything, or if it cannot be asked: a client that was refused
 * had the way open.
 */
export async function assertNotPassedBy({ upstream, images }: ServeWorld): Promise<void> {
  const open = await fetch(`${upstream.origin}/v2/team/unsigned/manifests/1`, {
    headers: { Accept: images.unsigned.mediaType, "User-Agent": "amphora/test" },
  });
  assert.equal(open.status, 200);
  await open.arrayBuffer();
  const agents = [...upstream.log().matchAll(/http\.request\.useragent="?([^" ]+)/g)].map(
    ([, agent]) => agent,
  );
  assert.ok(agents.length > 0);
  assert.deepEqual(
    agents.filter((agent) => !agent?.startsWith("amphora/")),
    [],
  );
}
