import type { StoreRequest } from "../../config/load-store-place.ts";
import type { StorePlace } from "../../config/store-place.ts";
import { formatDockerReference } from "../../core/docker-reference.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import type { Platform } from "../../core/platform.ts";
import { openStore } from "../../storage/open-store.ts";
import type { Store } from "../../storage/store.ts";
import type { CallOptions } from "../contract/call-options.ts";
import type { Transport } from "../contract/transport.ts";
import { StorageDestination } from "./destination.ts";
import { findStoredImage, noImage } from "./find-image.ts";
import { heldManifest } from "./held-manifest.ts";
import { lingeringSignal } from "./lingering-signal.ts";
import {
  parseImage,
  type StoredImage,
  splitStore,
  storageReference,
  storeText,
} from "./location.ts";
import { type OpenImage, signaturePlace } from "./signature-place.ts";
import { StorageSource } from "./source.ts";

/** What the transport cannot know by itself. */
export interface StorageTransportOptions {
  /** Finds out the store that is meant; without a request, the user's own. */
  readonly placeOf: (request: StoreRequest | undefined) => Promise<StorePlace>;
  /** Decides between images of one list. */
  readonly platform: Platform;
}

/** A store, and which of its images is meant. */
interface Located {
  readonly store: Store;
  readonly image: StoredImage;
}

/** Images in the stores that podman, buildah and CRI-O have — `specs/containers-storage.md`. */
export function createStorageTransport({ placeOf, platform }: StorageTransportOptions): Transport {
  /** By their texts, which do not say all of them: options with commas, `imagestore`. */
  const resolved = new Map<string, StorePlace>();
  const split = async (text: string) => {
    for (const [known, place] of resolved) {
      if (text.startsWith(known)) return { place, image: text.slice(known.length) };
    }
    const { store, image } = splitStore(text);
    return { place: await placeOf(store), image };
  };
  const locate = async (text: string, call: CallOptions, access: "read" | "write") => {
    const { place, image } = await split(text);
    const store = await openStore(place, { ...call, readOnly: access === "read" });
    return { store, image: await parseImage(image, (id) => store.findImage(id)) };
  };
  const findIn = ({ store, image }: Located, reference: ImageReference) =>
    findStoredImage(store, image, reference, platform);
  return {
    name: "containers-storage",
    keepsReplaced: true,
    async resolve(text, _, call) {
      const { store, image } = await locate(text, call, "read");
      resolved.set(storeText(store.place), store.place);
      return storageReference(store.place, image);
    },
    async openSource(reference, call) {
      const located = await locate(reference.text, call, "read");
      const { store, image } = located;
      const found = await findIn(located, reference);
      const whole = storageReference(store.place, { ...image, id: found.id });
      return new StorageSource(whole, store, found);
    },
    async openDestination(reference, call) {
      call.signal.throwIfAborted();
      const signal = lingeringSignal(call.signal);
      const { store, image } = await locate(reference.text, { signal }, "write");
      return new StorageDestination(reference, store, image, call);
    },
    async digestOf(reference, as, call) {
      if (as === "source") return undefined; // a copy's layers are other ones
      const { store, image } = await locate(reference.text, call, "read");
      return await heldManifest(store, image);
    },
    async signaturePlaces(reference) {
      const open: OpenImage = async (access, call) => {
        const located = await locate(reference.text, call, access);
        return { store: located.store, image: await findIn(located, reference) };
      };
      return [signaturePlace(reference, open)];
    },
    async deleteImage(reference, call) {
      const located = await locate(reference.text, call, "write");
      const { id, area } = await findIn(located, reference);
      // One of the same ID may be in the store itself, under other names.
      if (area.readOnly) throw noImage(reference, "identifier is not an image");
      await located.store.deleteImage(id);
    },
    async deleteTag(reference, call) {
      const located = await locate(reference.text, call, "write");
      const { id } = await findIn(located, reference);
      const { docker } = located.image;
      if (docker) await located.store.removeNames(id, [formatDockerReference(docker)]);
    },
  };
}
