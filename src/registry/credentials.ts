/** What a user has for one registry. */
export type Credentials =
  | PasswordCredentials
  /** An OAuth2 refresh token, traded for bearer tokens. */
  | { readonly identityToken: string; readonly username?: string }
  /** A bearer token, sent as it is and never to a realm; `basic` is for a registry that wants no tokens. */
  | { readonly registryToken: string; readonly basic?: PasswordCredentials };

/** What basic authentication takes. */
export interface PasswordCredentials {
  readonly username: string;
  readonly password: string;
}

/** The value of `Authorization` for a user and password. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
