import type { ServedRepository } from "../repository-name.ts";
import type { BridgeRule, SigningRule, SigningSettings } from "./settings.ts";

type Named = Pick<ServedRepository, "domain" | "path">;

/** The rules by which a push of this user's is signed; all of them hold. */
export function rulesFor(
  { rules }: Pick<SigningSettings, "rules">,
  { domain, path }: Named,
  user: string | undefined,
): readonly SigningRule[] {
  return rules.filter(
    ({ repositories, users }) =>
      repositories.some(({ matches }) => matches(`${domain}/${path}`)) &&
      (users === undefined || (user !== undefined && users.includes(user))),
  );
}

/** The rules by which what verifies there is signed again. */
export function bridgesFor(
  { bridge }: Pick<SigningSettings, "bridge">,
  { domain, path }: Named,
): readonly BridgeRule[] {
  return bridge.filter(({ repositories }) =>
    repositories.some(({ matches }) => matches(`${domain}/${path}`)),
  );
}
