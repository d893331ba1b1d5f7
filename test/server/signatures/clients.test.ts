import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, suite, test } from "node:test";
import fastify from "fastify";
import { parseDigest } from "../../../src/core/digest.ts";
import { createServedSignatures } from "../../../src/server/signatures/create-served-signatures.ts";
import { lookasideFace } from "../../../src/server/signatures/lookaside-face.ts";
import { routeWithin } from "../../../src/server/signatures/route.ts";
import { signaturesApiFace } from "../../../src/server/signatures/signatures-api-face.ts";
import { startDockerRegistry } from "../../support/docker-registry.ts";
import { makeImage } from "../../support/images.ts";
import { generateKey, gpgHome } from "../../support/openpgp/gpg.ts";
import { requirePeer, skipWithout } from "../../support/peers.ts";
import { skipUnprivileged, startPodman } from "../../support/podman.ts";
import { startRegistry } from "../../support/registry.ts";
import { type RunResult, run } from "../../support/run.ts";
import { tempFolder } from "../../support/temp.ts";
import { access, call } from "./support.ts";

const skip = skipWithout("skopeo", "docker-registry", "gpg");

/** docker-registry with our faces beside it under one name; `api` says whether the API is announced. */
async function startServer() {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const registry = stack.use(await startDockerRegistry());
  const state = { api: true, domain: "" };
  const signatures = createServedSignatures({ folder: folder.in("signatures"), now: Date.now });
  const app = fastify({ serverFactory: (handler) => createServer(handler) });
  const everybody = { ...access, allows: () => true };
  const server = createServer((request, response) => {
    if (/^\/(?:sigstore|extensions)\//.test(request.url ?? "")) app.routing(request, response);
    else relay(request, response, registry.host, state.api);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stack.defer(() => void server.close().closeAllConnections());
  state.domain = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const parts = { signatures, domain: state.domain, access: everybody };
  const faces = { ...parts, route: routeWithin(state.domain) };
  app.register(async (own) => lookasideFace({ ...faces, base: "/sigstore" })(own));
  app.register(async (own) => signaturesApiFace(faces)(own));
  await app.ready();
  return Object.assign(state, {
    signatures,
    folder,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  });
}

function relay(from: IncomingMessage, to: ServerResponse, host: string, api: boolean): void {
  const { method, url, headers } = from;
  const [hostname, port] = host.split(":");
  const asked = httpRequest({ hostname, port, method, path: url, headers }, (answer) => {
    const announced = api ? { "x-registry-supports-signatures": "1" } : {};
    to.writeHead(answer.statusCode ?? 500, { ...answer.headers, ...announced });
    answer.pipe(to);
  });
  asked.on("error", () => to.destroy());
  from.pipe(asked);
}

suite("signatures served to skopeo and podman", { skip }, () => {
  const stack = new AsyncDisposableStack();
  const gpg = gpgHome();
  let server: Awaited<ReturnType<typeof startServer>>;
  let at: (...names: readonly string[]) => string;
  let source = "";
  let env: Readonly<Record<string, string>>;

  before(async () => {
    server = stack.use(await startServer());
    const folder = stack.use(await tempFolder());
    at = folder.in;
    const own = stack.use(await startRegistry());
    for (const [name, seed] of [
      ["signed", 61],
      ["unsigned", 62],
    ] as const) {
      own.seed(name, "v1", makeImage({ seed, layerBytes: 3000 }));
    }
    source = own.host;
    const key = generateKey(gpg, "ann@example.com", "rsa2048");
    await writeFile(at("ann.gpg"), gpg.output(["--export", key]));
    const requirement = { type: "signedBy", keyType: "GPGKeys", keyPath: at("ann.gpg") };
    await writeFile(at("policy.json"), JSON.stringify({ default: [requirement] }));
    await writeFile(at("any.json"), '{"default":[{"type":"insecureAcceptAnything"}]}');
    await mkdir(at("none"));
    await mkdir(at("home"));
    env = { GNUPGHOME: gpg.path, HOME: at("home"), XDG_RUNTIME_DIR: at("home") };
  });

  after(async () => {
    gpg[Symbol.dispose]();
    await stack.disposeAsync();
  });

  const skopeo = (policy: string, registries: string, ...args: readonly string[]) =>
    run(
      requirePeer("skopeo"),
      ["--policy", at(policy), "--registries.d", at(registries), ...args],
      { env },
    );
  const push = (name: string, ...flags: readonly string[]) =>
    skopeo(
      "any.json",
      "none",
      "copy",
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
      ...flags,
      `docker://${source}/${name}:v1`,
      `docker://${server.domain}/team/${name}:v1`,
    );
  const pull = (name: string, registries = "none") =>
    skopeo(
      "policy.json",
      registries,
      "copy",
      "--src-tls-verify=false",
      `docker://${server.domain}/team/${name}:v1`,
      `dir:${at("out")}`,
    );
  const digestOfTag = async (name: string) => {
    const inspected = await skopeo(
      "any.json",
      "none",
      "inspect",
      "--tls-verify=false",
      "--no-tags",
      "--format",
      "{{.Digest}}",
      `docker://${server.domain}/team/${name}:v1`,
    );
    succeed(inspected);
    return parseDigest(inspected.stdout.trim());
  };

  test("skopeo signs through the API and believes it, with nothing configured", async () => {
    server.api = true;
    for (let times = 1; times <= 2; times++)
      succeed(await push("signed", "--sign-by", "ann@example.com"));
    succeed(await push("unsigned"));
    const team = { domain: server.domain, path: "team/signed" };
    const repository = { ...team, requested: "team/signed", upstream: undefined };
    const kept = await server.signatures.read(repository, await digestOfTag("signed"), call);
    assert.ok(kept.length === 1 || kept.length === 2, "skopeo signs anew each second");
    succeed(await pull("signed"));
    refused(await pull("unsigned"));
  });

  test("podman believes the API, with nothing configured", {
    skip: skipWithout("podman") || skipUnprivileged(),
  }, async () => {
    server.api = true;
    await using podman = await startPodman();
    succeed(await podman.pull(at("policy.json"), `${server.domain}/team/signed:v1`));
    refused(await podman.pull(at("policy.json"), `${server.domain}/team/unsigned:v1`));
  });

  test("both believe the same signatures in the look-aside", {
    skip: skipWithout("podman") || skipUnprivileged(),
  }, async () => {
    server.api = false;
    const { domain } = server;
    await using podman = await startPodman();
    for (const [at_, base] of [`sigstore/${domain}`, "sigstore", `sigstore/${domain}/`].entries()) {
      const text = `docker:\n  ${domain}:\n    lookaside: http://${domain}/${base}\n`;
      await mkdir(at(`look${at_}`), { recursive: true });
      await writeFile(at(`look${at_}`, "a.yaml"), text);
      succeed(await pull("signed", `look${at_}`));
      refused(await pull("unsigned", `look${at_}`));
      await podman.configure("registries.d/a.yaml", text);
    }
    refused(await pull("signed"));
    succeed(await podman.pull(at("policy.json"), `${domain}/team/signed:v1`));
    refused(await podman.pull(at("policy.json"), `${domain}/team/unsigned:v1`));
  });
});

function succeed({ exitCode, stderr }: RunResult): void {
  assert.equal(exitCode, 0, stderr);
}

function refused({ exitCode, stderr }: RunResult): void {
  assert.notEqual(exitCode, 0);
  assert.match(stderr, /A signature was required, but no signature exists/);
}
