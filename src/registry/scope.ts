/** What a token must allow: resources (`repository:a/b`) and the actions on each. */
export type Scopes = ReadonlyMap<string, ReadonlySet<string>>;

/** The scopes of one repository. */
export function repositoryScope(path: string, actions: readonly string[]): Scopes {
  return new Map([[`repository:${path}`, new Set(actions)]]);
}

/** The scopes in a challenge: separated by spaces, `type:name:action,action`. */
export function parseScopes(text: string): Scopes {
  const scopes = new Map<string, ReadonlySet<string>>();
  for (const item of text.split(/\s+/)) {
    const end = item.lastIndexOf(":");
    if (end < 1) continue;
    const actions = item.slice(end + 1).split(",");
    const resource = item.slice(0, end);
    scopes.set(resource, new Set([...(scopes.get(resource) ?? []), ...actions]));
  }
  return scopes;
}

/** Both together, each resource once: a token service may let a repeated resource's last entry win. */
export function joinScopes(one: Scopes, other: Scopes): Scopes {
  const joined = new Map(one);
  for (const [resource, actions] of other) {
    joined.set(resource, new Set([...(joined.get(resource) ?? []), ...actions]));
  }
  return joined;
}

/** Whether a token for `wide` is good for `narrow`. */
export function coversScopes(wide: Scopes, narrow: Scopes): boolean {
  return narrow.entries().every(([resource, actions]) => {
    const held = wide.get(resource);
    return held !== undefined && (held.has("*") || actions.isSubsetOf(held));
  });
}

/** One text a resource, in order of being asked for. */
export function formatScopes(scopes: Scopes): readonly string[] {
  return [...scopes].map(([resource, actions]) => `${resource}:${[...actions].join(",")}`);
}
