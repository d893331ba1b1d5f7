import { createHash } from "node:crypto";
import { type Digest, type DigestAlgorithm, hexLengths } from "../../core/digest.ts";
import { manifestDigest, type RawManifest } from "../../core/manifest.ts";
import type { Database } from "./database.ts";

/** The digests of one content, one by each algorithm. */
export type ContentNames = readonly Digest[];

/** By which digests content goes besides the one at hand, as far as it was ever read here. */
export interface KnownNames {
  /** Itself among them; undefined: nobody has looked. */
  of(digest: Digest): ContentNames | undefined;
  learn(names: ContentNames): void;
}

/** The table of {@link KnownNames}. */
export const namesTable = `
  CREATE TABLE contents (
    id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, sha384 TEXT NOT NULL UNIQUE, sha512 TEXT NOT NULL UNIQUE
  )`;

const algorithms = Object.keys(hexLengths) as readonly DigestAlgorithm[];
const maxRows = 500_000;
const maxAtHand = 20_000;

/** Remembers in a database: content never goes by another digest than it did. */
export function createKnownNames(database: Database): KnownNames {
  const atHand = new Map<Digest, ContentNames>();
  const keep = (names: ContentNames) => {
    if (atHand.size >= maxAtHand) atHand.clear();
    for (const name of names) atHand.set(name, names);
    return names;
  };
  const find = (digest: Digest) => {
    const [row] = database.all(
      `SELECT sha256, sha384, sha512 FROM contents WHERE ${columnOf(digest)} = ?`,
      digest,
    );
    return row && keep(algorithms.map((algorithm) => String(row[algorithm]) as Digest));
  };
  return {
    of: (digest) => atHand.get(digest) ?? find(digest),
    learn(names) {
      if (atHand.get(names[0] as Digest)) return;
      database.run(
        "INSERT OR IGNORE INTO contents (sha256, sha384, sha512) VALUES (?, ?, ?)",
        ...names,
      );
      database.run("DELETE FROM contents WHERE id <= (SELECT max(id) FROM contents) - ?", maxRows);
      keep(names);
    },
  };
}

/** Of bytes as they come. */
export async function namesOfContent(bytes: AsyncIterable<Uint8Array>): Promise<ContentNames> {
  const hashes = algorithms.map((algorithm) => createHash(algorithm));
  for await (const chunk of bytes) for (const hash of hashes) hash.update(chunk);
  return hashes.map((hash, index) => `${algorithms[index]}:${hash.digest("hex")}` as Digest);
}

/** Of a manifest: schema 1 is not known by the hash of all its bytes. */
export function namesOfManifest({ bytes }: RawManifest): ContentNames {
  return algorithms.map((algorithm) => manifestDigest(bytes, algorithm));
}

function columnOf(digest: Digest): string {
  return algorithms.find((algorithm) => digest.startsWith(`${algorithm}:`)) ?? "sha256";
}
