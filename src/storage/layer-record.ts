import { type Digest, isDigest } from "../core/digest.ts";
import { goInt, goText, goTime } from "../core/go-scalars.ts";
import { always, goList, goMapOf, omitEmpty } from "../core/go-struct.ts";
import { anyJson } from "./any-json.ts";
import type { StoreArea } from "./area.ts";
import { RecordType, type Row } from "./record-type.ts";

const texts = goList(goText);
const numbers = goList(goInt);

const fields = {
  id: always(goText),
  names: omitEmpty(texts),
  parent: omitEmpty(goText),
  metadata: omitEmpty(goText),
  mountlabel: omitEmpty(goText),
  created: always(goTime),
  "compressed-diff-digest": omitEmpty(goText),
  "compressed-size": omitEmpty(goInt),
  "diff-digest": omitEmpty(goText),
  "diff-size": omitEmpty(goInt),
  "toc-digest": omitEmpty(goText),
  compression: omitEmpty(goInt),
  uidset: omitEmpty(numbers),
  gidset: omitEmpty(numbers),
  uidmap: omitEmpty(goList(anyJson)),
  gidmap: omitEmpty(goList(anyJson)),
  flags: omitEmpty(goMapOf(anyJson)),
  "big-data-names": omitEmpty(texts),
} as const;

/** A record of `layers.json` and `volatile-layers.json`. */
export const layerRecords = new RecordType("storage.Layer", fields);
/** The same, as it was read. */
export type LayerRow = Row<typeof fields>;

/** What is known of a layer of the store. */
export interface LayerRecord {
  readonly id: string;
  readonly parent: string | undefined;
  /** As Go writes times. */
  readonly created: string;
  /** Absent in layers of containers, and where a layer was pulled in parts without verifying it. */
  readonly diffId: Digest | undefined;
  /** The length of the plain tar in bytes; 0 where it is not known, −1 where a layer was pulled in parts. */
  readonly diffSize: number;
  /** The blob as it was received. */
  readonly compressedDigest: Digest | undefined;
  readonly compressedSize: number;
  /** 0 none, 1 bzip2, 2 gzip, 3 xz, 4 zstd. */
  readonly compression: number;
  readonly tocDigest: Digest | undefined;
  /** What the DiffID should be where nobody verified it. */
  readonly expectedDiffId: Digest | undefined;
  /** The owners of its files. */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  /** True where the owners on the disk are not those in the tar. */
  readonly mapped: boolean;
  /** Half made or half removed: to be treated as not there. */
  readonly incomplete: boolean;
  readonly dataNames: readonly string[];
  /** Where it lies. */
  readonly area: StoreArea;
}

/** What a row says. */
export function layerRecord({ values }: LayerRow, area: StoreArea): LayerRecord {
  const flags = values.flags;
  const expected = flags?.get("expected-layer-diffid");
  return {
    id: values.id,
    parent: values.parent || undefined,
    created: values.created,
    diffId: digest(values["diff-digest"]),
    diffSize: Number(values["diff-size"]),
    compressedDigest: digest(values["compressed-diff-digest"]),
    compressedSize: Number(values["compressed-size"]),
    compression: Number(values.compression),
    tocDigest: digest(values["toc-digest"]),
    expectedDiffId: typeof expected === "string" ? digest(expected) : undefined,
    uids: (values.uidset ?? []).map(Number),
    gids: (values.gidset ?? []).map(Number),
    mapped: [values.uidmap, values.gidmap].some((map) => (map?.length ?? 0) > 0),
    incomplete: flags?.get("incomplete") === true,
    dataNames: values["big-data-names"] ?? [],
    area,
  };
}

function digest(text: string): Digest | undefined {
  return isDigest(text) ? text : undefined;
}
