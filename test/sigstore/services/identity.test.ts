import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { SignatureError } from "../../../sigstore/errors.ts";
import { tokenByBrowser } from "../../../sigstore/services/browser-flow.ts";
import { tokenByDevice } from "../../../sigstore/services/device-flow.ts";
import { obtainCertificate } from "../../../sigstore/services/fulcio.ts";
import { parseIdToken } from "../../../sigstore/services/id-token.ts";
import { discoverProvider } from "../../../sigstore/services/oidc-provider.ts";
import type { ServiceAnswer, ServiceRequest } from "../../support/sigstore-services.ts";
import { type ServicesWorld, servicesWorld } from "./services-world.ts";

const { signal } = new AbortController();
const client = { id: "sigstore" };
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** Answers one address, and leaves the others to the services. */
function at(path: string, answer: ServiceAnswer) {
  return (request: ServiceRequest) => (request.path === path ? answer : undefined);
}

function answered(status: number, body: unknown): ServiceAnswer {
  return { status, body: typeof body === "string" ? body : JSON.stringify(body) };
}

const configuration = "/.well-known/openid-configuration";

async function byDevice({ services, client: service }: ServicesWorld, told: string[] = []) {
  const provider = await discoverProvider(service, services.url, () => new Date(), signal);
  const pauses: number[] = [];
  const token = await tokenByDevice(service, provider, {
    client,
    signal,
    tell: async (line) => void told.push(line),
    pause: async (ms) => void pauses.push(ms),
  });
  return { token, pauses };
}

test("a token that is brought tells its subject, or why it has none", async () => {
  await using world = await servicesWorld();
  const { services } = world;
  assert.equal(parseIdToken(services.token()).subject, "me@example.com");
  assert.equal(parseIdToken(services.token({ email_verified: "true" })).subject, "me@example.com");
  assert.equal(parseIdToken(services.token({ email: undefined })).subject, "subject");
  for (const [text, why] of [
    ["abc", "go-jose/go-jose: compact JWS format must have three parts"],
    ["a.!.c", "illegal base64 data at input byte 1"],
    [services.token({ email_verified: false }), "not verified by identity provider"],
    [services.token({ email: undefined, sub: undefined }), "no subject found in claims"],
  ] as const) {
    assert.throws(() => parseIdToken(text), { message: `parsing OIDC token: ${why}` });
  }
});

test("a device's user agrees elsewhere, and is waited for", async () => {
  await using world = await servicesWorld();
  const told: string[] = [];
  world.services.pending = 2;
  const { token, pauses } = await byDevice(world, told);
  assert.equal(token.subject, "me@example.com");
  assert.deepEqual(pauses, [1000, 1000]);
  assert.deepEqual(told, [
    `Enter the verification code ABCD-EFGH in your browser at: ${world.services.url}/device?user_code=ABCD-EFGH`,
    "Code will be valid for 300 seconds",
    "Token received!",
  ]);
});

test("what the issuer answers is not taken for more than it is, in the reference's words", async () => {
  await using world = await servicesWorld();
  const { services } = world;
  const known = JSON.parse(
    (await fetch(`${services.url}${configuration}`).then((r) => r.text())) as string,
  );
  const token = (claims: object) => answered(200, { id_token: services.token({ ...claims }) });
  const foreign = services.token().split(".").with(2, "AAAA").join(".");
  const cases: readonly (readonly [
    (request: ServiceRequest) => ServiceAnswer | undefined,
    string,
  ])[] = [
    [at(configuration, answered(404, "oops")), "404 Not Found: oops"],
    [
      at(configuration, answered(200, { ...known, issuer: "https://other" })),
      `oidc: issuer did not match the issuer returned by provider, expected "${services.url}" got "https://other"`,
    ],
    [
      at(configuration, answered(200, { ...known, code_challenge_methods_supported: ["plain"] })),
      "PKCE is not supported by OIDC provider ''",
    ],
    [
      at(configuration, answered(200, { ...known, device_authorization_endpoint: undefined })),
      "oidc: device authorization endpoint not returned by provider",
    ],
    [at("/device/code", answered(500, "oops")), "500 Internal Server Error: oops"],
    [
      at("/token", answered(400, { error: "access_denied" })),
      "error obtaining token: access_denied",
    ],
    [at("/token", answered(400, { error: "odd" })), "unexpected error in device flow: odd"],
    [at("/token", token({ aud: "other" })), 'oidc: expected audience "sigstore" got ["other"]'],
    [
      at("/token", token({ iss: "x" })),
      `oidc: id token issued by a different provider, expected "${services.url}" got "x"`,
    ],
    [
      at("/token", token({ exp: 1000 })),
      "oidc: token is expired (Token Expiry: 1970-01-01 00:16:40 +0000 UTC)",
    ],
    [
      at("/token", token({ nbf: Date.now() })),
      "oidc: current time before the nbf (not before) time",
    ],
    [
      at("/token", answered(200, { id_token: foreign })),
      "failed to verify signature: failed to verify id token signature",
    ],
    [
      at("/keys", answered(200, { keys: [] })),
      "failed to verify signature: failed to verify id token signature",
    ],
    [at("/token", token({ email_verified: false })), "not verified by identity provider"],
  ];
  for (const [answer, message] of cases) {
    services.answer = answer;
    services.pending = 0;
    await assert.rejects(byDevice(world), { code: "signature.cannot-sign", message });
  }
});

test("a certificate is for the key and the subject, and for no other key", async () => {
  await using world = await servicesWorld();
  const { services, url } = world;
  const token = parseIdToken(services.token());
  const ask = () => obtainCertificate(world.client, url, token, privateKey, signal);
  const first = await ask();
  assert.match(
    first.certificate,
    /^-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n$/,
  );
  assert.equal(first.chain, services.root.pem);
  assert.ok(first.notAfter.getTime() > Date.now());
  const during = "obtaining certificate from Fulcio: ";
  const path = "/api/v1/signingCert";
  for (const [answer, message] of [
    [answered(401, "no"), `POST ${services.url}${path} returned 401 Unauthorized: "no"`],
    [answered(200, "hello"), `POST ${services.url}${path} returned 200 OK: "hello"`],
    [answered(201, "hello"), "did not find a cert from Fulcio"],
    [answered(201, services.root.pem), "the certificate is for another key"],
    [
      { ...answered(201, ""), headers: { sct: "%" } },
      "decode: illegal base64 data at input byte 0",
    ],
  ] as const) {
    services.answer = at(path, answer);
    await assert.rejects(ask(), { code: "signature.cannot-sign", message: during + message });
  }
});

test("a browser brings the code to us, or the user types it", async () => {
  await using world = await servicesWorld();
  const { services, client: service } = world;
  const provider = await discoverProvider(service, services.url, () => new Date(), signal);
  let nonce = "";
  services.answer = (request) => {
    if (request.path !== "/token") return undefined;
    const form = new URLSearchParams(request.body);
    const isGood = form.get("code") === "c0de" && form.get("grant_type") === "authorization_code";
    if (!isGood) return answered(400, { error: "invalid_grant" });
    return answered(200, { access_token: "x", id_token: services.token({ nonce }) });
  };
  const told: string[] = [];
  const agree = async (address: string, code = "c0de") => {
    const asked = new URL(address).searchParams;
    nonce = asked.get("nonce") ?? "";
    const back = new URL(asked.get("redirect_uri") ?? "");
    assert.equal((await fetch(`${back}?code=c0de&state=forged`)).status, 404);
    const answer = new URLSearchParams({ code, state: asked.get("state") ?? "" });
    assert.equal((await fetch(`${back}?${answer}`)).status, 200);
  };
  const flow = (change: object) =>
    tokenByBrowser(service, provider, {
      client,
      signal,
      tell: async (line) => void told.push(line),
      ask: async () => "",
      openBrowser: (address) => agree(address),
      ...change,
    });
  assert.equal((await flow({})).subject, "me@example.com");
  assert.match(told.join("\n"), /^Your browser will now be opened to:\nhttp:\S+$/);

  const noBrowser = async () => {
    throw new SignatureError("signature.cannot-sign", "error opening browser: none");
  };
  const typed = (code: string) => ({
    openBrowser: noBrowser,
    ask: async () => {
      const link = told.at(-1) ?? "";
      assert.match(link, /redirect_uri=urn%3Aietf%3Awg%3Aoauth%3A2\.0%3Aoob/);
      nonce = /nonce=([^&]+)/.exec(link)?.[1] ?? "";
      return code;
    },
  });
  assert.equal((await flow(typed("c0de"))).subject, "me@example.com");
  await assert.rejects(flow(typed("wrong")), { message: 'oauth2: "invalid_grant"' });
  const replayed = {
    openBrowser: async (address: string) => {
      await agree(address);
      nonce = "of another";
    },
  };
  await assert.rejects(flow(replayed), { message: "nonce does not match value sent" });
});
