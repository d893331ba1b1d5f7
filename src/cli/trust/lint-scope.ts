import type { Policy, PolicyRequirements } from "../../../policy/policy.ts";
import { isKnownTransport } from "../../../policy/scope.ts";
import { parseDockerReference } from "../../core/docker-reference.ts";
import { goQuote } from "../../core/go-quote.ts";
import { dockerNamespaces } from "../../core/policy-scopes.ts";
import type { PolicyEntry, Remark } from "./findings.ts";

/** What is wrong with the place of an entry — `specs/signing.md` 1.3, 1.6. */
export function lintScope(policy: Policy, { place, requirements }: PolicyEntry): readonly Remark[] {
  const { transport, scope = "" } = place;
  if (transport === undefined) return lintDefault(requirements);
  if (!isKnownTransport(transport)) {
    const message = `${goQuote(transport)} is no transport: nothing is ever looked up here`;
    return [{ level: "warning", code: "scope.unknown-transport", message }];
  }
  if (transport === "docker" && scope !== "")
    return [...lintDockerScope(scope), ...lintHole(policy, scope, requirements)];
  if ((transport === "oci" || transport === "dir") && /:[^/]*$/.test(scope)) {
    const message = `${goQuote(scope)} looks like a path with a name behind it: scopes are paths only`;
    return [{ level: "warning", code: "scope.path-with-name", message }];
  }
  return [];
}

function lintDefault(requirements: PolicyRequirements): readonly Remark[] {
  if (requirements.some(({ type }) => type !== "insecureAcceptAnything")) return [];
  return [
    {
      level: "warning",
      code: "default.accepts-anything",
      message: "whatever no other entry is about is accepted without a signature",
      hint: "Set the default to reject, and name what is to be accepted",
    },
  ];
}

function lintDockerScope(scope: string): readonly Remark[] {
  const never = neverMatches(scope);
  if (never) {
    const { why, instead } = never;
    return [
      {
        level: "error",
        code: "scope.never-matches",
        message: `no image is ever looked up under ${goQuote(scope)}: ${why}`,
        ...(instead !== undefined && { hint: `Write ${goQuote(instead)}` }),
      },
    ];
  }
  const hub = /^docker\.io\/([^/:@]+)$/.exec(scope)?.[1];
  if (hub === undefined || hub === "library") return [];
  return [
    {
      level: "warning",
      code: "scope.hub-namespace",
      message: `this is the namespace of ${goQuote(hub)}; the image of that name is "docker.io/library/${hub}"`,
    },
  ];
}

interface Never {
  readonly why: string;
  readonly instead?: string;
}

function neverMatches(scope: string): Never | undefined {
  if (scope.includes("://"))
    return { why: "scopes have no transport before them", instead: scope.replace(/^\w+:\/\//, "") };
  if (scope.includes("*")) return wildcardFault(scope);
  const [host = "", ...path] = scope.split("/");
  if (host === "index.docker.io")
    return { why: "images of Docker Hub are known by docker.io", instead: scope.slice(6) };
  if (!/[.:]/.test(host) && host !== "localhost") {
    const hub = path.length === 0 ? `docker.io/library/${scope}` : `docker.io/${scope}`;
    return { why: "scopes begin with a registry's name", instead: hub };
  }
  if (path.length === 0) return isHost(host) ? undefined : { why: "it is no registry's name" };
  return referenceFault(scope);
}

function wildcardFault(scope: string): Never | undefined {
  const [host = "", ...path] = scope.split("/");
  if (!/^\*\.[^*]+$/.test(host))
    return { why: 'a wildcard stands for the first labels: "*.example.com"' };
  if (path.length > 0)
    return { why: "a wildcard is for a whole registry, without a path", instead: host };
  const port = host.indexOf(":");
  if (port >= 0) return { why: "a wildcard has no port", instead: host.slice(0, port) };
  return isHost(host.slice(2)) ? undefined : { why: "it is no registry's name" };
}

function referenceFault(scope: string): Never | undefined {
  const parsed = parseOrFault(scope);
  if (typeof parsed === "string") return { why: parsed };
  const { tag, digest, domain, path } = parsed;
  if (tag !== undefined && digest !== undefined)
    return {
      why: "an image is known by its digest or by its tag",
      instead: `${domain}/${path}@${digest}`,
    };
  const expanded = `${domain}/${path}`;
  const isExact = tag !== undefined || digest !== undefined;
  if (isExact && domain === "docker.io" && !scope.startsWith(expanded))
    return {
      why: "names of Docker Hub are spelled out",
      instead: expanded + scope.slice(scope.search(/[:@]/)),
    };
  return undefined;
}

function parseOrFault(scope: string): ReturnType<typeof parseDockerReference> | string {
  try {
    return parseDockerReference(scope);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function isHost(host: string): boolean {
  return typeof parseOrFault(`${host}/x`) !== "string";
}

/** An entry that accepts unsigned what a wider one wants a signature for. */
function lintHole(
  policy: Policy,
  scope: string,
  requirements: PolicyRequirements,
): readonly Remark[] {
  if (requirements.some(({ type }) => type !== "insecureAcceptAnything")) return [];
  const wider = widerScopes(scope).find((one) => policy.transports.get("docker")?.has(one));
  const asked = wider === undefined ? undefined : policy.transports.get("docker")?.get(wider);
  if (!asked?.some(({ type }) => type === "signedBy" || type === "sigstoreSigned")) return [];
  return [
    {
      level: "warning",
      code: "scope.hole",
      message: `accepts without a signature what ${goQuote(wider ?? "")} wants one for`,
    },
  ];
}

function widerScopes(scope: string): readonly string[] {
  const parsed = parseOrFault(scope.includes("/") ? scope : `${scope}/x`);
  if (typeof parsed === "string") return [];
  const { domain, path } = parsed;
  const chain = [...dockerNamespaces(`${domain}/${path}`, domain), ""];
  return chain.slice(chain.indexOf(scope) + 1);
}
