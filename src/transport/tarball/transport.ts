import { unlink } from "node:fs/promises";
import { unless, writing } from "../../layout/errors.ts";
import { TransportError } from "../contract/errors.ts";
import type { Transport } from "../contract/transport.ts";
import { filesOf, resolveTarballLocation } from "./location.ts";
import type { MadeFor } from "./make-image.ts";

/** What images of tars need of the outside. */
export interface TarballTransportOptions {
  /** What their configs say they run on: this host. */
  readonly platform: () => MadeFor;
  /** Milliseconds since 1970: the date of what came through a pipe. */
  readonly clock: () => number;
  /** A folder for what comes out of a pipe; without it that is held in memory. */
  readonly spoolFolder?: string;
}

/** Tars as the layers of an image that there is not yet: only to be read. */
export function createTarballTransport(options: TarballTransportOptions): Transport {
  const { platform, clock, spoolFolder } = options;
  return {
    name: "tarball",
    resolve: resolveTarballLocation,
    async openSource(reference, { signal }) {
      const { openTarballSource } = await import("./source.ts");
      const how = { signal, platform: platform(), clock, spoolFolder };
      return await openTarballSource(reference, filesOf(reference.typed ?? reference.text), how);
    },
    async openDestination(reference) {
      throw new TransportError(
        "transport.unsupported",
        '"tarball:" locations can only be read from, not written to',
        { reference },
      );
    },
    /** The files themselves, as in skopeo. */
    async deleteImage({ text }) {
      for (const file of filesOf(text)) {
        const what = `error removing ${JSON.stringify(file)}: remove ${file}`;
        await writing(what, () => unless(["ENOENT"], () => unlink(file)));
      }
    },
  };
}
