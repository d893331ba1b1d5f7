import type { Credentials } from "../access.ts";
import type { RegistryAnswerError } from "../v2/answer-error.ts";
import { parseAuthorization } from "./authorization.ts";
import { KnownCaller } from "./known-caller.ts";
import type { PasswordCheck } from "./passwords.ts";
import type { Robots } from "./robots.ts";
import type { Tokens } from "./tokens.ts";

/** Finds out who asks. @throws {RegistryAnswerError} 401 where what they say is wrong, 429 where it was too often */
export type Identify = (credentials: Credentials) => Promise<KnownCaller>;

/** By what callers are known. */
export interface IdentifyParts {
  readonly passwords: PasswordCheck;
  readonly robots: () => Robots;
  /** Absent: only robots have tokens. */
  readonly tokens?: Tokens;
  /** Whether there still is such a user. */
  isUser(name: string): boolean;
  /** `error` is RFC 6750's word for what is wrong with a token: at it containerd and BuildKit ask for another. */
  unauthorized(credentials: Credentials, error?: "invalid_token"): RegistryAnswerError;
  readonly now: () => number;
}

/** An `Authorization` header counts more than a certificate; without both it is nobody in particular. */
export function createIdentify(parts: IdentifyParts): Identify {
  return async (credentials) => {
    const { headers, address, certificateName } = credentials;
    const said = parseAuthorization(headers.authorization);
    switch (said.scheme) {
      case "none":
        return new KnownCaller(userOfCertificate(certificateName), address);
      case "basic": {
        if (await isGood(parts, { ...said, address })) return new KnownCaller(said.user, address);
        throw parts.unauthorized(credentials);
      }
      case "bearer": {
        const caller = await bearer(parts, said.token, credentials);
        if (caller) return caller;
        throw parts.unauthorized(credentials, "invalid_token");
      }
      case "unknown":
        throw parts.unauthorized(credentials);
    }
  };
}

/** Robots may give their token as a password: most clients know nothing else. */
async function isGood(
  { passwords, robots, now }: IdentifyParts,
  login: { readonly user: string; readonly password: string; readonly address: string },
): Promise<boolean> {
  if (!robots().has(login.user)) return await passwords.isGood(login);
  if (robots().ownerOf(login.password, now()) === login.user) return true;
  passwords.failed(login);
  return false;
}

async function bearer(
  { robots, tokens, isUser, passwords, now }: IdentifyParts,
  token: string,
  { address, certificateName }: Credentials,
): Promise<KnownCaller | undefined> {
  const robot = robots().ownerOf(token, now());
  if (robot !== undefined) return new KnownCaller(robot, address);
  const claims = await tokens?.read(token);
  if (claims) {
    const { user, grants } = claims;
    // Of a user that files know, or that the connection's own certificate names.
    if (user === undefined || isUser(user) || user === certificateName)
      return new KnownCaller(user, address, grants);
  }
  // A token that is merely over is no attack: clients come with one every few minutes.
  if (!token.includes(".")) passwords.failed({ user: "", address });
  return undefined;
}

/** Names that stand for others in rules are nobody's. */
function userOfCertificate(name: string | undefined): string | undefined {
  if (name === undefined || name === "*" || name === "anonymous" || name.startsWith("@"))
    return undefined;
  return name;
}
