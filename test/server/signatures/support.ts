import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import fastify from "fastify";
import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import { SignatureError } from "../../../sigstore/errors.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import { type Digest, digestOf } from "../../../src/core/digest.ts";
import type { Access, Action } from "../../../src/server/access.ts";
import type { AuditEvent } from "../../../src/server/audit.ts";
import type { ServedRepository } from "../../../src/server/repository-name.ts";
import {
  createServedSignatures,
  type ServedSignaturesOptions,
} from "../../../src/server/signatures/create-served-signatures.ts";
import { describeFace } from "../../../src/server/signatures/describe-face.ts";
import type { SignaturesEvent } from "../../../src/server/signatures/events.ts";
import { lookasideFace } from "../../../src/server/signatures/lookaside-face.ts";
import type { SignatureOrigin } from "../../../src/server/signatures/origin.ts";
import { type RouteRepository, routeWithin } from "../../../src/server/signatures/route.ts";
import { signaturesApiFace } from "../../../src/server/signatures/signatures-api-face.ts";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import { forgeKey, forgeMessage } from "../../support/openpgp/forge.ts";
import { tempFolder } from "../../support/temp.ts";

export const signal = new AbortController().signal;
export const call = { signal };

export const manifest = digestOf(Buffer.from("a manifest"));
export const domain = "registry.test";

/** One of the server's own. */
export const team: ServedRepository = {
  domain,
  path: "team/app",
  requested: "team/app",
  upstream: undefined,
};

const { describe } = createVerifiers({ now: () => new Date() });
const key = forgeKey("ed25519", 1_700_000_000);

/** A real OpenPGP message by a key that nobody has; `text` tells one from others. */
export function messageOf(text: string, digest: Digest = manifest): Buffer {
  const critical = {
    identity: { "docker-reference": `${domain}/team/app:${text}` },
    image: { "docker-manifest-digest": digest },
    type: "atomic container signature",
  };
  const payload = Buffer.from(JSON.stringify({ critical, optional: {} }));
  return forgeMessage(key, { created: 1_700_000_000 }, payload);
}

export function signatureOf(text: string, digest?: Digest): UntrustedSignature {
  return { format: "simple-signing", bytes: messageOf(text, digest) };
}

/** What {@link signatureOf} was made with. */
export function textsOf(signatures: readonly UntrustedSignature[]): string[] {
  return signatures.map((signature) =>
    textIn(signature.format === "simple-signing" ? signature.bytes : signature.payload),
  );
}

export function textIn(bytes: Uint8Array): string {
  return /team\/app:([\w.-]+)"/.exec(Buffer.from(bytes).toString("latin1"))?.[1] ?? "?";
}

/** Another's store, that can be made to fail. */
export function toyOrigin(where = "upstream.test") {
  const state = { asked: 0, signatures: [] as UntrustedSignature[], failure: "" };
  const origin: SignatureOrigin = {
    where,
    async read() {
      state.asked++;
      if (state.failure) throw new SignatureError("signature.store-failed", state.failure);
      return state.signatures;
    },
    readBundles: async () => [Buffer.from("a bundle")],
  };
  return Object.assign(state, { origin });
}

/** Users by the name of their Basic credentials: nobody pulls from `open/`, `ann` signs, `bob` only reads, `eve` does nothing. */
export const access: Access = {
  anonymous: true,
  async identify({ headers, address }) {
    const [, pair = ""] = /^Basic (.*)$/.exec(headers.authorization ?? "") ?? [];
    const user = Buffer.from(pair, "base64").toString().split(":")[0] || undefined;
    if (user === "mallory") {
      throw new RegistryAnswerError("UNAUTHORIZED", "wrong password", { status: 401 });
    }
    return { user, address };
  },
  allows({ user }, repository, action: Action) {
    if (user === "ann") return true;
    if (user === "bob" || (user === undefined && !repository.startsWith("closed/"))) {
      return action === "pull";
    }
    return false;
  },
  challenge: (repository, actions) =>
    `Bearer realm="x",scope="repository:${repository}:${actions.join()}"`,
};

export interface WorldOptions extends Partial<ServedSignaturesOptions> {
  readonly route?: RouteRepository;
  readonly open?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Asking {
  readonly method?: string;
  readonly user?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Both faces on a free port, with the look-aside also at the root of another. */
export async function world(options: WorldOptions = {}) {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const events: SignaturesEvent[] = [];
  const audited: AuditEvent[] = [];
  const signatures = createServedSignatures({
    folder: folder.in("signatures"),
    now: Date.now,
    report: (event) => events.push(event),
    ...options,
  });
  const parts = {
    signatures,
    domain,
    access,
    route: options.route ?? routeWithin(domain),
    audit: { note: (event: AuditEvent) => void audited.push(event) },
    open: options.open ?? false,
  };
  const main = fastify();
  main.register(async (app) => lookasideFace({ ...parts, base: "/sigstore" })(app));
  main.register(async (app) => describeFace({ ...parts, describe })(app));
  main.register(async (app) => signaturesApiFace(parts)(app));
  const alone = fastify();
  alone.register(async (app) => lookasideFace({ ...parts, base: "" })(app));
  const ports: number[] = [];
  for (const app of [main, alone]) {
    await app.listen({ host: "127.0.0.1", port: 0 });
    stack.defer(() => app.close());
    ports.push((app.server.address() as AddressInfo).port);
  }
  const [port = 0, alonePort = 0] = ports;
  return {
    folder,
    signatures,
    events,
    audited,
    parts,
    origin: `http://127.0.0.1:${port}`,
    aloneOrigin: `http://127.0.0.1:${alonePort}`,
    ask: (path: string, asking?: Asking) => ask(port, path, asking),
    askAlone: (path: string, asking?: Asking) => ask(alonePort, path, asking),
    at: (number: number | string, name = `${domain}/team/app`) =>
      `/sigstore/${name}@${manifest.replace(":", "=")}/signature-${number}`,
    file: (number: number, name = `${domain}/team/app`) =>
      folder.in("signatures", `${name}@${manifest.replace(":", "=")}`, `signature-${number}`),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export type World = Awaited<ReturnType<typeof world>>;

/** A request with its path as it is, which `fetch` would tidy. */
function ask(port: number, path: string, asking: Asking = {}): Promise<Answer> {
  const { method = "GET", user, headers = {}, body } = asking;
  const basic = user && `Basic ${Buffer.from(`${user}:secret`).toString("base64")}`;
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: "127.0.0.1",
        port,
        path,
        method,
        agent: false,
        headers: { ...headers, ...(basic && { authorization: basic }) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** The entries of the API's list. */
export async function listOf({ ask }: World, path = "team/app", digest: Digest = manifest) {
  const { status, body } = await ask(`/extensions/v2/${path}/signatures/${digest}`);
  const { signatures } = JSON.parse(body.toString()) as {
    signatures: { name: string; content: string; schemaVersion: number; type: string }[];
  };
  return {
    status,
    entries: signatures,
    texts: signatures?.map(({ content }) => textIn(Buffer.from(content, "base64"))),
  };
}

/** What a client of the API PUTs. */
export function entryOf(bytes: Uint8Array, change: object = {}): string {
  const content = Buffer.from(bytes).toString("base64");
  return JSON.stringify({
    schemaVersion: 2,
    name: `${manifest}@${"0".repeat(32)}`,
    type: "atomic",
    content,
    ...change,
  });
}
