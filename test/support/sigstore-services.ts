import { createHash, createPublicKey, randomBytes, sign, verify } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  altNames,
  extKeyUsage,
  issuerV1,
  issuerV2,
  keyUsage,
  makeCa,
  makeCertificate,
  type TestCertificate,
  type TestKey,
  testKey,
  usages,
} from "./certificates.ts";
import { signSet } from "./sigstore.ts";

/** A request as a service got it. */
export interface ServiceRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What a service answers. */
export interface ServiceAnswer {
  readonly status: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Rekor, Fulcio and an OIDC issuer with a device flow, as far as those talk to them who sign. */
export interface SigstoreServices extends AsyncDisposable {
  readonly url: string;
  readonly rekor: TestKey;
  readonly root: TestCertificate;
  readonly requests: readonly ServiceRequest[];
  /** Answers in place of the services, while it gives something. */
  answer: (request: ServiceRequest) => ServiceAnswer | undefined;
  /** A token as the issuer gives them. */
  token(claims?: Readonly<Record<string, unknown>>): string;
  /** How often the device flow says that the user has not agreed yet. */
  pending: number;
}

const clientId = "sigstore";

export async function sigstoreServices(): Promise<SigstoreServices> {
  const requests: ServiceRequest[] = [];
  const log = new Map<string, string>();
  const rekor = testKey("p256", "rekor");
  const root = makeCa({ subject: "fulcio root" });
  const issuerKey = testKey("rsa", "issuer");
  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const services: SigstoreServices = {
    url,
    rekor,
    root,
    requests,
    answer: () => undefined,
    pending: 1,
    token: (claims = {}) =>
      jwt(issuerKey, {
        iss: url,
        aud: clientId,
        sub: "subject",
        exp: Math.floor(Date.now() / 1000) + 600,
        email: "me@example.com",
        email_verified: true,
        ...claims,
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request = {
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString(),
    };
    requests.push(request);
    const {
      status,
      type = "application/json",
      headers,
      body,
    } = services.answer(request) ?? served(request);
    outgoing.writeHead(status, { "content-type": type, ...headers }).end(body);
  }

  function served(request: ServiceRequest): ServiceAnswer {
    const route = `${request.method} ${request.path}`;
    if (route === "POST /api/v1/log/entries") return added(request);
    if (route.startsWith("GET /api/v1/log/entries/"))
      return entry(route.split("/").at(-1) ?? "", 200);
    if (route === "POST /api/v1/signingCert") return certificate(request);
    if (route === "GET /.well-known/openid-configuration") return json(200, configuration(url));
    if (route === "GET /keys") return json(200, { keys: [jwk(issuerKey)] });
    if (route === "POST /device/code") return json(200, deviceCode(url));
    if (route === "POST /token") return token(new URLSearchParams(request.body));
    return json(404, { code: 404, message: `path ${request.path} was not found` });
  }

  function added({ body }: ServiceRequest): ServiceAnswer {
    const proposed = JSON.parse(body) as Record<string, unknown>;
    const { apiVersion, kind, spec } = proposed;
    const text = JSON.stringify({ apiVersion, kind, spec });
    const uuid = createHash("sha256").update(text).digest("hex");
    if (log.has(uuid)) {
      const location = `/api/v1/log/entries/${uuid}`;
      const message = `an equivalent entry already exists in the transparency log with UUID ${uuid}`;
      return { ...json(409, { code: 409, message }), headers: { location } };
    }
    log.set(uuid, text);
    return entry(uuid, 201);
  }

  function entry(uuid: string, status: number): ServiceAnswer {
    const text = log.get(uuid);
    if (text === undefined) return json(404, { code: 404, message: "not found" });
    const payload = {
      body: Buffer.from(text).toString("base64"),
      integratedTime: Math.floor(Date.now() / 1000),
      logID: "c0ffee",
      logIndex: [...log.keys()].indexOf(uuid),
    };
    const verification = {
      signedEntryTimestamp: signSet(payload, rekor),
      inclusionProof: { hashes: [] },
    };
    return {
      ...json(status, { [uuid]: { ...payload, verification } }),
      headers: { location: `/api/v1/log/entries/${uuid}`, etag: uuid },
    };
  }

  function certificate({ headers, body }: ServiceRequest): ServiceAnswer {
    const [, claims = ""] = (headers.authorization ?? "").replace(/^Bearer /, "").split(".");
    const { email, sub, iss } = JSON.parse(
      Buffer.from(claims, "base64url").toString() || "{}",
    ) as Record<string, string>;
    const subject = email ?? sub;
    const request = JSON.parse(body) as {
      publicKey: { content: string };
      signedEmailAddress: string;
    };
    const der = Buffer.from(request.publicKey.content, "base64");
    const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
    const proof = Buffer.from(request.signedEmailAddress, "base64");
    if (
      subject === undefined ||
      iss === undefined ||
      !verify("sha256", Buffer.from(subject), publicKey, proof)
    ) {
      return json(400, {
        code: 3,
        message: "The signature supplied in the request could not be verified",
      });
    }
    const leaf = makeCertificate({
      subject: "",
      key: { publicKey, privateKey: root.key.privateKey, pem: "" },
      issuer: root,
      notBefore: new Date(Date.now() - 5_000),
      notAfter: new Date(Date.now() + 600_000),
      extensions: [
        keyUsage(0),
        extKeyUsage(usages.codeSigning),
        altNames([email === undefined ? { uri: subject } : { email }]),
        issuerV1(iss),
        issuerV2(iss),
      ],
    });
    return {
      status: 201,
      type: "application/pem-certificate-chain",
      headers: { sct: Buffer.from("{}").toString("base64") },
      body: leaf.pem + root.pem,
    };
  }

  function token(form: URLSearchParams): ServiceAnswer {
    if (form.get("device_code") !== "device" || (form.get("code_verifier") ?? "").length < 43)
      return json(400, { error: "invalid_request" });
    if (services.pending-- > 0) return json(400, { error: "authorization_pending" });
    return json(200, { access_token: "x", token_type: "bearer", id_token: services.token() });
  }

  return services;
}

function configuration(url: string) {
  return {
    issuer: url,
    authorization_endpoint: `${url}/auth`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/keys`,
    device_authorization_endpoint: `${url}/device/code`,
    code_challenge_methods_supported: ["S256", "plain"],
    id_token_signing_alg_values_supported: ["RS256"],
  };
}

function deviceCode(url: string) {
  return {
    device_code: "device",
    user_code: "ABCD-EFGH",
    verification_uri: `${url}/device`,
    verification_uri_complete: `${url}/device?user_code=ABCD-EFGH`,
    expires_in: 300,
    interval: 1,
  };
}

function jwk({ publicKey }: TestKey) {
  return { ...publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" };
}

function jwt({ privateKey }: TestKey, claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = `${part({ alg: "RS256", kid: "1", typ: "JWT" })}.${part({ jti: randomBytes(8).toString("hex"), ...claims })}`;
  return `${head}.${sign("sha256", Buffer.from(head), privateKey).toString("base64url")}`;
}

function json(status: number, body: unknown): ServiceAnswer {
  return { status, body: JSON.stringify(body) };
}
