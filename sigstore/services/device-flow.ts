import { setTimeout as sleep } from "node:timers/promises";
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
import type { ServiceClient } from "./service-client.ts";

const grantType = "urn:ietf:params:oauth:grant-type:device_code";

/** RFC 8628 § 3.2: where it is not told. */
const usualIntervalSeconds = 5;
const slowerSeconds = 10;

/** What the user is told, and how it is waited. */
export interface DeviceFlowOptions {
  readonly client: OidcClient;
  readonly tell: (line: string) => Promise<void>;
  readonly signal: AbortSignal;
  readonly pause?: (
    ms: number,
    value: undefined,
    options: { signal: AbortSignal },
  ) => Promise<unknown>;
}

/**
 * Has the user agree in a browser anywhere, by a code that is shown, and waits for that: the device authorization grant,
 * RFC 8628.
 *
 * @throws {SignatureError} `signature.cannot-sign`
 */
export async function tokenByDevice(
  service: ServiceClient,
  provider: OidcProvider,
  { client, tell, signal, pause = sleep }: DeviceFlowOptions,
): Promise<IdToken> {
  if (provider.deviceEndpoint === "") {
    throw bad("oidc: device authorization endpoint not returned by provider");
  }
  const { verifier, challenge } = makePkce();
  const begun = await postForm(
    service,
    provider.deviceEndpoint,
    {
      client_id: client.id,
      scope: "openid email",
      code_challenge_method: "S256",
      code_challenge: challenge,
    },
    signal,
  );
  if (begun.status !== 200) throw bad(`${begun.statusText}: ${begun.text}`);
  const device = parseObject(begun.text);
  const address = textOf(device, "verification_uri_complete") || textOf(device, "verification_uri");
  const seconds = Number(device["expires_in"]) || 0;
  await tell(
    `Enter the verification code ${textOf(device, "user_code")} in your browser at: ${address}`,
  );
  await tell(`Code will be valid for ${seconds} seconds`);
  const interval = Number(device["interval"]) || usualIntervalSeconds;
  for (;;) {
    const { text } = await postForm(
      service,
      provider.tokenEndpoint,
      {
        client_id: client.id,
        grant_type: grantType,
        device_code: textOf(device, "device_code"),
        scope: "openid email",
        code_verifier: verifier,
      },
      signal,
    );
    const answer = parseObject(text);
    const token = textOf(answer, "id_token");
    if (token !== "") {
      await tell("Token received!");
      return await provider.verify(token, client, signal);
    }
    await pause(waitFor(textOf(answer, "error"), interval) * 1000, undefined, { signal });
  }
}

/** Seconds until it is worth asking again. */
function waitFor(error: string, interval: number): number {
  if (error === "authorization_pending") return interval;
  if (error === "slow_down") return interval + slowerSeconds;
  if (error === "access_denied" || error === "expired_token") {
    throw bad(`error obtaining token: ${error}`);
  }
  throw bad(`unexpected error in device flow: ${error}`);
}

function bad(message: string): SignatureError {
  return new SignatureError("signature.cannot-sign", message);
}
