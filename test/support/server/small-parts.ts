import type { Digest } from "../../../src/core/digest.ts";
import type { Access, Action } from "../../../src/server/access.ts";
import type { Admission, Decision } from "../../../src/server/admission.ts";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";

/** What each user may do, by `user`, or "" for nobody in particular: actions by repository, `*` for any. */
export type Rights = Readonly<Record<string, Readonly<Record<string, readonly Action[]>>>>;

/** Users whose password is their name. Its challenges tell what was demanded: `Test REPOSITORY:ACTIONS`. */
export function smallAccess(rights: Rights): Access {
  return {
    async identify({ headers, address }) {
      const basic = /^Basic (.+)$/.exec(headers.authorization ?? "")?.[1];
      if (basic === undefined) return { user: undefined, address };
      const [user = "", password] = Buffer.from(basic, "base64").toString().split(":");
      if (user === password && user in rights) return { user, address };
      throw new RegistryAnswerError("UNAUTHORIZED", "authentication required", {
        status: 401,
        headers: { "WWW-Authenticate": "Test bad" },
      });
    },
    allows({ user }, repository, action) {
      const own = rights[user ?? ""] ?? {};
      return [...(own[repository] ?? []), ...(own["*"] ?? [])].includes(action);
    },
    challenge: (repository, actions, _request, source) =>
      `Test ${repository}:${actions.join(",")}${source === undefined ? "" : ` ${source}:pull`}`,
    anonymous: "" in rights,
  };
}

/** The header by which a user of {@link smallAccess} is known. */
export function asUser(user: string): { readonly Authorization: string } {
  return { Authorization: `Basic ${Buffer.from(`${user}:${user}`).toString("base64")}` };
}

/** An admission that refuses what it is told to, and whose watches can be set off. */
export interface SmallAdmission extends Admission {
  /** Of manifests and blobs, by digest. */
  readonly decisions: Map<Digest, Decision>;
  /** Stops what is being sent of this digest. */
  block(digest: Digest): void;
  /** How many answers are being watched. */
  readonly watching: number;
}

/** Admits all that it has no decision of. */
export function smallAdmission(): SmallAdmission {
  const decisions = new Map<Digest, Decision>();
  const watches = new Map<AbortController, Digest>();
  return {
    decisions,
    get watching() {
      return watches.size;
    },
    admitManifest: async (_repository, _reference, { digest }) =>
      decisions.get(digest) ?? { allowed: true },
    admitBlob: async (_repository, digest) => decisions.get(digest),
    watch(_repository, digest) {
      const controller = new AbortController();
      watches.set(controller, digest);
      return {
        blocked: controller.signal,
        [Symbol.dispose]: () => void watches.delete(controller),
      };
    },
    block(digest) {
      for (const [controller, watched] of watches) if (watched === digest) controller.abort();
    },
  };
}
