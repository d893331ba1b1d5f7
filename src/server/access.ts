import type { IncomingHttpHeaders } from "node:http";
import type { Caller } from "./caller.ts";

/**
 * What somebody may do in a repository. `overwrite`: move a tag that is there. `sign`: add signatures. Of the server as a
 * whole, `jobs`: have it work by its own means; `admin`: the API.
 */
export type Action = "pull" | "push" | "overwrite" | "delete" | "sign" | "jobs" | "admin";

/** What is known of a request before its caller is. */
export interface Credentials {
  readonly headers: IncomingHttpHeaders;
  readonly address: string;
  /** Of a client certificate that TLS has verified. */
  readonly certificateName?: string;
  /** Whether the request came by TLS. */
  readonly secure?: boolean;
}

/** Who asks, and what they may do. */
export interface Access {
  /**
   * @throws {RegistryAnswerError} 401 UNAUTHORIZED with its challenge where credentials are given and bad, 429 where too many
   *   were
   */
  identify(credentials: Credentials): Promise<Caller>;
  /**
   * `repository` is as rules name it: the path behind `/v2/` that means it without `ns` and under any name of the server
   * (`team/app`, `hub/library/alpine`, `docker.io/library/alpine`); "" for the server itself.
   */
  allows(caller: Caller, repository: string, action: Action): boolean;
  /**
   * Whether it is only the caller's token that {@link allows} refused: with one that says more they may. Absent: there are
   * no such tokens.
   */
  wouldAllow?(caller: Caller, repository: string, action: Action): boolean;
  /**
   * By whose rights names are listed for a caller: who has a token for the catalog sees all that the rules let them pull.
   * Undefined: the caller's token is for something else. Absent: there are no such tokens.
   */
  whoLists?(caller: Caller): Caller | undefined;
  /**
   * The `WWW-Authenticate` header for a request that {@link allows} refused and that nobody in particular made, or somebody
   * with another token; that of the catalog is to `pull` from "". Where tokens are to be had depends on what the client calls this server, hence `request`; `source`
   * is a repository that is to be pulled from besides.
   */
  challenge(
    repository: string,
    actions: readonly Action[],
    request?: Credentials,
    source?: string,
  ): string;
  /** Whether nobody in particular may do anything at all: `/v2/` answers 200 then. */
  readonly anonymous: boolean;
  /**
   * What a user with a password is known by now, for those who let somebody in for longer: where it changes, they have to
   * come again. Undefined: there is no such user. Absent: there are no users.
   */
  readonly secretOf?: (user: string) => string | undefined;
}
