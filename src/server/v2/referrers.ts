import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import type { ServedRepository } from "../repository-name.ts";
import type { Page } from "./backend.ts";
import type { Exchange } from "./exchange.ts";
import type { RepositoryOperation } from "./operation.ts";
import { demand } from "./rights.ts";
import type { Service } from "./service.ts";

/** What a page may weigh: clients read no more than 4 MiB of a manifest. */
const pageBytes = 3 * 1024 * 1024;

/** GET of what refers to a manifest, be it there or not: an index, in pages where it would be too long for clients. */
export async function listReferrers(
  service: Service,
  exchange: Exchange,
  repository: ServedRepository,
  operation: Pick<RepositoryOperation, "path" | "query"> & {
    readonly subject: Digest;
    readonly artifactType: string | undefined;
    readonly page: Page;
  },
): Promise<void> {
  demand(service, exchange, repository, "pull");
  const { subject, artifactType, page, path, query } = operation;
  const backend = service.parts.backendOf(repository);
  const all = await backend.listReferrers(repository, subject, exchange);
  const wanted = all.filter(
    (one) => artifactType === undefined || (one.artifactType ?? "") === artifactType,
  );
  const limit = query.get("n") === undefined ? Number.POSITIVE_INFINITY : page.limit;
  const { texts, next } = cutPage(wanted, page.last, limit);
  const url = next && `${path}/referrers/${subject}?${query.replaced({ last: next })}`;
  exchange.answer(
    200,
    [
      "Content-Type",
      mediaTypes.ociIndex,
      ...(artifactType === undefined ? [] : ["OCI-Filters-Applied", "artifactType"]),
      ...(url === undefined ? [] : ["Link", `<${url}>; rel="next"`]),
    ],
    `{"schemaVersion":2,"mediaType":"${mediaTypes.ociIndex}","manifests":[${texts.join(",")}]}`,
  );
}

/** As many as go into a page, behind `last`. In the order of their digests where there are several pages. */
function cutPage(
  descriptors: readonly Descriptor[],
  last: string | undefined,
  limit: number,
): { readonly texts: readonly string[]; readonly next: string | undefined } {
  const whole = takePage(descriptors, limit);
  if (last === undefined && whole.length === descriptors.length)
    return { texts: whole, next: undefined };
  const sorted = [...descriptors]
    .sort((one, other) => (one.digest < other.digest ? -1 : 1))
    .filter(({ digest }) => last === undefined || digest > last);
  const texts = takePage(sorted, limit);
  const next = texts.length < sorted.length ? sorted[texts.length - 1]?.digest : undefined;
  return { texts, next };
}

/**
 * At least one, however long it is: pages must get on. What a descriptor brings along of its content stays here: only what is
 * asked for is judged.
 */
function takePage(descriptors: readonly Descriptor[], limit: number): string[] {
  const texts: string[] = [];
  let bytes = 0;
  for (const { data: _, ...descriptor } of descriptors) {
    if (texts.length >= limit) break;
    const text = JSON.stringify(descriptor);
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > pageBytes && texts.length > 0) break;
    texts.push(text);
  }
  return texts;
}
