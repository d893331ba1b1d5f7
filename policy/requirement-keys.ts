import type { SignedRequirement } from "./load-trust.ts";
import type { KeySource } from "./policy.ts";

/** A source of keys or certificates in a requirement, by the member it stands in. */
export interface NamedKeySource {
  readonly member: string;
  readonly source: KeySource;
}

/** Everything a requirement trusts, as it stands in the policy. */
export function keySources(requirement: SignedRequirement): readonly NamedKeySource[] {
  if (requirement.type === "signedBy") return [{ member: "key", source: requirement.keys }];
  const { identity, rekorKeys } = requirement;
  const log = rekorKeys ? [{ member: "rekorPublicKey", source: rekorKeys }] : [];
  switch (identity.type) {
    case "keys":
      return [{ member: "key", source: identity.keys }, ...log];
    case "fulcio":
      return [{ member: "fulcio.ca", source: identity.ca }, ...log];
    case "pki":
      return [
        { member: "pki.caRoots", source: identity.caRoots },
        ...(identity.caIntermediates
          ? [{ member: "pki.caIntermediates", source: identity.caIntermediates }]
          : []),
      ];
  }
}

/** For a person: the files by path, what stands in the policy itself by the member it is in. */
export function keyNames(requirement: SignedRequirement): readonly string[] {
  return keySources(requirement).flatMap(({ member, source }) =>
    "paths" in source ? source.paths : source.data.map(() => `${member}Data in the policy`),
  );
}
