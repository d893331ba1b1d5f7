import { type DockerReference, parseDockerReference } from "../core/docker-reference.ts";
import { ConfigError } from "./errors.ts";
import type { RegistriesConf } from "./registries-conf.ts";

/** What of registries.conf says what short names stand for. */
export type ShortNameRules = Pick<
  RegistriesConf,
  "aliases" | "unqualifiedSearchRegistries" | "unqualifiedSearchOrigin" | "shortNameMode"
>;

/** Whether a name leaves its registry open: `busybox`, `team/app:1`; `localhost/app` does not. */
export function isShortName(name: string): boolean {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  return first !== "localhost" && !/[.:]/.test(first);
}

/**
 * What a name may stand for, what is to be tried first at the front — containers-registries.conf(5), "Short-Name Aliasing".
 * Nobody is asked: where a person would have to choose, all are tried, or none under `short-name-mode = "enforcing"`.
 *
 * @throws {UsageError} `usage.bad-reference`
 * @throws {ConfigError} `config.invalid` where it stands for nothing, in containers/image's words
 */
export function resolveShortName(name: string, rules: ShortNameRules): readonly DockerReference[] {
  const asWritten = parseDockerReference(name);
  if (!isShortName(name)) return [asWritten];
  const alias = aliasOf(name, asWritten, rules);
  if (alias) return [alias];
  const found = rules.unqualifiedSearchRegistries.map((registry) =>
    parseDockerReference(`${registry}/${name}`),
  );
  if (found.length === 0) {
    throw new ConfigError(
      "config.invalid",
      `short-name ${JSON.stringify(name)} did not resolve to an alias and no unqualified-search registries are defined in ${JSON.stringify(rules.unqualifiedSearchOrigin)}`,
      { hint: `Write the registry too: docker.io/${asWritten.path}` },
    );
  }
  if (found.length > 1 && rules.shortNameMode === "enforcing") {
    throw new ConfigError(
      "config.invalid",
      "short-name resolution enforced but cannot prompt without a TTY",
      { hint: `Write the registry too: one of ${rules.unqualifiedSearchRegistries.join(", ")}` },
    );
  }
  return found;
}

/** What the name's alias stands for, with the name's own tag or digest. */
function aliasOf(
  name: string,
  { tag, digest }: DockerReference,
  { aliases, shortNameMode }: ShortNameRules,
): DockerReference | undefined {
  if (shortNameMode === "disabled") return undefined;
  const [bare = ""] = name.split(/[:@]/, 1);
  const target = aliases.get(bare);
  if (!target) return undefined;
  return {
    domain: target.domain,
    path: target.path,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
}

/**
 * The names under which an image of this name may be kept on this machine, as podman looks for it: what it may stand for
 * at registries, and before that under `localhost`.
 *
 * @throws {UsageError} `usage.bad-reference`
 */
export function localCandidates(name: string, rules: ShortNameRules): readonly DockerReference[] {
  const asWritten = parseDockerReference(name);
  if (!isShortName(name)) return [asWritten];
  const alias = aliasOf(name, asWritten, rules);
  const registries = ["localhost", ...rules.unqualifiedSearchRegistries, "docker.io"];
  const searched = registries.map((registry) => parseDockerReference(`${registry}/${name}`));
  return alias ? [alias, ...searched] : searched;
}
