import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { KnownError } from "../../src/core/errors.ts";
import { SignatureError } from "../errors.ts";
import type { IdToken } from "./id-token.ts";
import {
  type OidcClient,
  type OidcProvider,
  parseObject,
  postForm,
  textOf,
} from "./oidc-provider.ts";
import { makePkce } from "./pkce.ts";
import { parseServiceUrl, type ServiceClient } from "./service-client.ts";

const callbackPath = "/auth/callback";
const outOfBand = "urn:ietf:wg:oauth:2.0:oob";
const patienceMs = 120_000;

/** How the user is reached. */
export interface BrowserFlowOptions {
  readonly client: OidcClient;
  readonly tell: (line: string) => Promise<void>;
  readonly ask: (question: string) => Promise<string>;
  /** @throws {KnownError} where there is no browser to open */
  readonly openBrowser: (url: string) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Has the user agree in a browser of this machine, which brings the answer to a port of ours, or of another machine, from
 * which the user types it: the authorization code grant, RFC 6749 § 4.1, RFC 8252.
 *
 * @throws {SignatureError} `signature.cannot-sign`
 */
export async function tokenByBrowser(
  service: ServiceClient,
  provider: OidcProvider,
  options: BrowserFlowOptions,
): Promise<IdToken> {
  const { client, signal } = options;
  const { verifier, challenge } = makePkce();
  const state = randomBytes(16).toString("base64url");
  const nonce = randomBytes(16).toString("base64url");
  const addressFor = (redirectUri: string) =>
    authorizationUrl(provider, {
      access_type: "online",
      client_id: client.id,
      code_challenge: challenge,
      code_challenge_method: "S256",
      nonce,
      redirect_uri: redirectUri,
      response_type: "code",
      scope: "openid email",
      state,
    });
  const { code, redirectUri } = await codeFor(addressFor, state, options);
  const secret = client.secret;
  const answer = await postForm(
    service,
    provider.tokenEndpoint,
    {
      ...(secret === undefined && { client_id: client.id }),
      code,
      code_verifier: verifier,
      grant_type: "authorization_code",
      nonce,
      redirect_uri: redirectUri,
    },
    signal,
    secret === undefined ? {} : { authorization: basic(client.id, secret) },
  );
  const tokens = parseObject(answer.text);
  if (answer.status !== 200) throw bad(`oauth2: ${JSON.stringify(textOf(tokens, "error"))}`);
  const token = textOf(tokens, "id_token");
  if (token === "") throw bad("id_token not present");
  return await provider.verify(token, client, signal, nonce);
}

async function codeFor(
  addressFor: (redirectUri: string) => string,
  state: string,
  options: BrowserFlowOptions,
): Promise<{ readonly code: string; readonly redirectUri: string }> {
  const { tell, ask, openBrowser } = options;
  try {
    await using listener = await listen(state, options.signal);
    const { redirectUri } = listener;
    await openBrowser(addressFor(redirectUri));
    await tell(`Your browser will now be opened to:\n${addressFor(redirectUri)}`);
    return { code: await listener.code, redirectUri };
  } catch (error) {
    options.signal.throwIfAborted();
    if (!(error instanceof KnownError)) throw error;
    await tell(error.message);
  }
  await tell(`Go to the following link in a browser:\n\n\t ${addressFor(outOfBand)}`);
  return { code: await ask("Enter verification code: "), redirectUri: outOfBand };
}

interface Listener extends AsyncDisposable {
  readonly redirectUri: string;
  readonly code: Promise<string>;
}

/** Waits on a port of this machine for the browser to be sent there. */
async function listen(state: string, signal: AbortSignal): Promise<Listener> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  promise.catch(() => {}); // told to whoever waits for it
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const isOurs = url.pathname === callbackPath && url.searchParams.get("state") === state;
    const code = url.searchParams.get("code");
    response.writeHead(isOurs ? 200 : 404, { "content-type": "text/plain", connection: "close" });
    response.end(isOurs ? "You may close this page now.\n" : "Not found\n");
    if (!isOurs) return;
    if (code) resolve(code);
    else reject(notFromBrowser(url.searchParams.get("error") ?? "no code"));
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(0, "127.0.0.1", listening);
  });
  const timer = setTimeout(() => reject(notFromBrowser("timeout")), patienceMs);
  const callOff = () => reject(signal.reason);
  signal.addEventListener("abort", callOff);
  return {
    redirectUri: `http://localhost:${(server.address() as AddressInfo).port}${callbackPath}`,
    code: promise,
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      signal.removeEventListener("abort", callOff);
      server.close();
      server.closeIdleConnections();
    },
  };
}

function authorizationUrl(
  provider: OidcProvider,
  fields: Readonly<Record<string, string>>,
): string {
  const url = parseServiceUrl("authorization_endpoint", provider.authorizationEndpoint);
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  return url.href;
}

/** RFC 6749 § 2.3.1: both parts encoded as in a form. */
function basic(id: string, secret: string): string {
  const [user, password] = [id, secret].map(encodeURIComponent);
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

function notFromBrowser(why: string): SignatureError {
  return bad(`error getting code from local server: ${why}`);
}

function bad(message: string): SignatureError {
  return new SignatureError("signature.cannot-sign", message);
}
