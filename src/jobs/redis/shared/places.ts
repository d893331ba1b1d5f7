import type { Digest } from "../../../core/digest.ts";
import type { BlobPlaces } from "../../../registry/blob-places.ts";
import type { Connection } from "./connection.ts";
import { findBlob, forgetBlob, placeBlob } from "./scripts.ts";

const mostRepositories = 4;
const keptMs = 24 * 3600_000;

/** What all workers know of one registry's blobs, for a day. */
export function createSharedPlaces(connection: Connection, host: string): BlobPlaces {
  const keyOf = (blob: Digest) => `${connection.prefix}blob:{${host} ${blob}}`;
  return {
    placed(blob, repository) {
      connection.post(placeBlob, [keyOf(blob)], [repository, mostRepositories, keptMs]);
    },
    gone(blob, repository) {
      connection.post(forgetBlob, [keyOf(blob)], [repository]);
    },
    async find(blob, signal) {
      const found = await connection.run(findBlob, [keyOf(blob)], [], signal);
      return Array.isArray(found) ? found.map(String) : [];
    },
  };
}
