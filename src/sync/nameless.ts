import { sampleName, splitPlace } from "./naming.ts";
import { namePlace } from "./place.ts";

const named: ReadonlySet<string> = new Set(["docker", "oci", "containers-storage"]);

/**
 * Why it cannot be told, where a rule's images go, what a name stood for: then it can neither be kept nor left alone.
 *
 * @param destination the rule's template
 */
export function whyNameless(destination: string): string | undefined {
  const { transport, rest } = splitPlace(sampleName(destination));
  if (named.has(transport)) return undefined;
  if (transport !== "dir") return `${transport}: does not tell what a name stands for`;
  const scopes = { policyIdentity: rest, policyNamespaces: [] };
  const place = namePlace({ transport, text: rest, ...scopes });
  return place?.name === undefined ? "its folders are not called NAME:TAG" : undefined;
}
