import * as z from "zod";
import type { Action } from "../access.ts";

/** What a token is good for, as it says in its claim `access` — docs.docker.com, "Token authentication specification". */
export interface Grant {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** All of one token, by what they are about. */
export type Grants = ReadonlyMap<string, ReadonlySet<string>>;

/** Those of one claim; several of one repository add up. */
export function grantsOf(list: readonly Grant[]): Grants {
  const grants = new Map<string, Set<string>>();
  for (const { type, name, actions } of list) {
    const key = `${type}:${name}`;
    const known = grants.get(key) ?? new Set();
    grants.set(key, known);
    for (const action of actions) known.add(action);
  }
  return grants;
}

/** Services in Go write an empty list as null. */
const accessClaim = z
  .array(
    z.object({
      type: z.string(),
      name: z.string(),
      actions: z
        .array(z.string())
        .nullish()
        .transform((actions) => actions ?? []),
    }),
  )
  .nullish();

/** Those of a token that another service may have issued by our key; undefined where its claim is none. */
export function readGrants(access: unknown): Grants | undefined {
  const read = accessClaim.safeParse(access);
  return read.success ? grantsOf(read.data ?? []) : undefined;
}

/** The word of scopes for each action: clients know only these. */
export const scopeWords: Readonly<Record<Action, string>> = {
  pull: "pull",
  push: "push",
  overwrite: "push",
  delete: "delete",
  sign: "push",
  jobs: "jobs",
  admin: "admin",
};

/**
 * Whether a token lets its bearer do this. Of the server as a whole: every token tells who asks, `registry:api:admin` and
 * `registry:catalog:*` give more.
 */
export function isGranted(grants: Grants, repository: string, action: Action): boolean {
  if (repository === "" && action === "pull") return true;
  if (repository === "") return has(grants.get("registry:api"), scopeWords[action]);
  return has(grants.get(`repository:${repository}`), scopeWords[action]);
}

/** Whether a token is for the catalog: which names are in it is for the rules to say. */
export function isForCatalog(grants: Grants): boolean {
  return grants.has("registry:catalog");
}

function has(words: ReadonlySet<string> | undefined, word: string): boolean {
  return words !== undefined && (words.has(word) || words.has("*"));
}

const maxScopes = 100;

/**
 * Scopes as clients ask for them: `repository:team/app:pull,push`, several apart by spaces or repeated. What is none is left
 * out, as token services do.
 */
export function parseScopes(texts: readonly string[]): readonly Grant[] {
  const scopes = texts.flatMap((text) => text.split(" ")).slice(0, maxScopes);
  return scopes.flatMap((text) => {
    const [, type = "", name = "", actions = ""] =
      /^([a-z]+)(?:\([a-z]+\))?:([^\s]{1,300}):([a-z*,]+)$/.exec(text) ?? [];
    if (type === "") return [];
    return [{ type, name, actions: actions.split(",").filter((action) => action !== "") }];
  });
}
