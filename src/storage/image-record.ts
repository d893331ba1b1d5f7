import { type Digest, isDigest } from "../core/digest.ts";
import { goInt, goText, goTime } from "../core/go-scalars.ts";
import { always, goList, goMapOf, omitEmpty } from "../core/go-struct.ts";
import { anyJson } from "./any-json.ts";
import type { StoreArea } from "./area.ts";
import { RecordType, type Row } from "./record-type.ts";

const texts = goList(goText);

const fields = {
  id: always(goText),
  digest: omitEmpty(goText),
  names: omitEmpty(texts),
  "names-history": omitEmpty(texts),
  layer: omitEmpty(goText),
  "mapped-layers": omitEmpty(texts),
  metadata: omitEmpty(goText),
  "big-data-names": omitEmpty(texts),
  "big-data-sizes": omitEmpty(goMapOf(goInt)),
  "big-data-digests": omitEmpty(goMapOf(goText)),
  created: always(goTime),
  flags: omitEmpty(goMapOf(anyJson)),
} as const;

/** A record of `images.json`. */
export const imageRecords = new RecordType("storage.Image", fields);
/** The same, as it was read. */
export type ImageRow = Row<typeof fields>;

/** What is known of an image of the store. */
export interface ImageRecord {
  readonly id: string;
  /** A manifest's digest; may be an outdated one. */
  readonly digest: Digest | undefined;
  /** Whole references, the newest first; in the store, no two images have the same name. */
  readonly names: readonly string[];
  readonly namesHistory: readonly string[];
  /** Absent in lists, and in images without layers. */
  readonly topLayer: string | undefined;
  readonly mappedLayers: readonly string[];
  /** JSON of whoever made the image: where its signatures are (spec 11.3). */
  readonly metadata: string;
  /** As Go writes times. */
  readonly created: string;
  /** The keys of {@link Store.imageData}, in their order. */
  readonly dataNames: readonly string[];
  readonly dataSizes: ReadonlyMap<string, number>;
  readonly dataDigests: ReadonlyMap<string, Digest>;
  /** All digests of manifests by which the image can be found. */
  readonly digests: readonly Digest[];
  /** Where it lies; images of additional stores cannot be changed. */
  readonly area: StoreArea;
}

/** What a row says. */
export function imageRecord({ values }: ImageRow, area: StoreArea): ImageRecord {
  const digest = isDigest(values.digest) ? values.digest : undefined;
  const dataDigests = onlyDigests(values["big-data-digests"]);
  const ofManifests = [...dataDigests].filter(([key]) => key.startsWith("manifest"));
  const digests = new Set([...(digest ? [digest] : []), ...ofManifests.map(([, each]) => each)]);
  return {
    id: values.id,
    digest,
    names: values.names ?? [],
    namesHistory: values["names-history"] ?? [],
    topLayer: values.layer || undefined,
    mappedLayers: values["mapped-layers"] ?? [],
    metadata: values.metadata,
    created: values.created,
    dataNames: values["big-data-names"] ?? [],
    dataSizes: new Map(
      [...(values["big-data-sizes"] ?? [])].map(([key, size]) => [key, Number(size)]),
    ),
    dataDigests,
    digests: [...digests],
    area,
  };
}

function onlyDigests(map: ReadonlyMap<string, string> | null): ReadonlyMap<string, Digest> {
  const digests = new Map<string, Digest>();
  for (const [key, text] of map ?? []) if (isDigest(text)) digests.set(key, text);
  return digests;
}
