import { randomBytes } from "node:crypto";

export interface IssuerRules {
  /** Password of each user. */
  readonly users: Readonly<Record<string, string>>;
  /** Whether those without a name may pull. Default true. */
  readonly anonymous?: boolean;
  /** Life of a token, in milliseconds. Default 300 000. */
  readonly lifeMs?: number;
  /** The `expires_in` told, in seconds; undefined: the true one; "omit": none. */
  readonly told?: number | "omit";
  /** Of several scopes all are looked at, or the last only (old GitLab). */
  readonly scopes?: "all" | "last";
  /** Actions whose mere asking gets the token refused (old Quay: delete). */
  readonly refuses?: readonly string[];
  /** What a user (undefined: anonymous) may do; default: users all, anonymous pull. */
  readonly may?: (user: string | undefined, resource: string, action: string) => boolean;
  /** Makes the token's text of what it grants; an opaque random one without it. */
  readonly sign?: (grant: Grant) => string;
}

/** What a token allows: resources (`repository:name`) and actions. */
export interface Grant {
  readonly user: string | undefined;
  readonly service: string;
  readonly access: ReadonlyMap<string, readonly string[]>;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** `repository:a/b:pull,push` in its parts; the name may hold colons (`host:5000/a`). */
export function parseScope(text: string): { resource: string; actions: readonly string[] } {
  const end = text.lastIndexOf(":");
  return { resource: text.slice(0, end), actions: text.slice(end + 1).split(",") };
}

/** Issues tokens and knows what each is good for. */
export class TokenIssuer {
  readonly rules: IssuerRules;
  readonly #grants = new Map<string, Grant>();

  constructor(rules: IssuerRules) {
    this.rules = rules;
  }

  /** A token for as much of `scopes` as the user may have; "refused" where merely asking is refused. */
  issue(
    user: string | undefined,
    scopes: readonly string[],
    service = "amphora",
  ): { token: string; expiresIn: number | undefined } | "refused" {
    const heard = this.rules.scopes === "last" ? scopes.slice(-1) : scopes;
    const access = new Map<string, readonly string[]>();
    for (const scope of heard) {
      const { resource, actions } = parseScope(scope);
      if (actions.some((action) => this.rules.refuses?.includes(action))) return "refused";
      const granted = actions.filter((action) => this.#may(user, resource, action));
      access.set(resource, [...new Set([...(access.get(resource) ?? []), ...granted])]);
    }
    const life = this.rules.lifeMs ?? 300_000;
    const grant = { user, service, access, expires: Date.now() + life };
    const token = this.rules.sign?.(grant) ?? randomBytes(24).toString("base64url");
    this.#grants.set(token, grant);
    const told = this.rules.told ?? Math.round(life / 1000);
    return { token, expiresIn: told === "omit" ? undefined : told };
  }

  /** Whether a token covers the scopes needed. */
  check(token: string, needed: readonly string[]): "good" | "expired" | "narrow" {
    const grant = this.#grants.get(token);
    if (!grant || grant.expires <= Date.now()) return "expired";
    return needed.every((scope) => covers(grant, scope)) ? "good" : "narrow";
  }

  /** All tokens given out so far are expired from now on. */
  expireAll(): void {
    this.#grants.clear();
  }

  #may(user: string | undefined, resource: string, action: string): boolean {
    if (this.rules.may) return this.rules.may(user, resource, action);
    if (user !== undefined) return true;
    return (this.rules.anonymous ?? true) && action === "pull";
  }
}

function covers(grant: Grant, scope: string): boolean {
  const { resource, actions } = parseScope(scope);
  const granted = grant.access.get(resource) ?? [];
  return granted.includes("*") || actions.every((action) => granted.includes(action));
}
