import * as z from "zod";
import { count, duration, size } from "../../config/setting-values.ts";
import { defaultStoreSettings } from "./default-settings.ts";
import type { StoreSettings } from "./registry-store.ts";

/**
 * The section `store`: how the registry in the data folder keeps what is pushed. Its output is what `openRegistryStore` takes.
 */
export const storeSettings = z
  .strictObject({
    /** Whether what a pushed manifest names must be there already. */
    references: z
      .enum(["strict", "sparse"], { error: "expected strict or sparse" })
      .default(defaultStoreSettings.references),
    /** Whether a blob that a manifest of its repository names may be deleted. */
    deleteReferencedBlobs: z
      .boolean({ error: "expected true or false" })
      .default(defaultStoreSettings.deleteReferencedBlobs),
    /** The largest blob that is taken; without it there is no limit. */
    maxBlobBytes: size().optional(),
    /** An upload that nobody goes on with for so long is gone. */
    uploadExpiry: duration().default(defaultStoreSettings.uploadExpiryMs),
    maxUploadsPerUser: count().default(defaultStoreSettings.maxUploadsPerUser),
    /** Manifests that neither a tag nor an index holds go after so long; without it they stay. */
    untaggedAfter: duration().optional(),
    /** Blobs that no manifest names go after so long. */
    unreferencedAfter: duration().default(defaultStoreSettings.unreferencedAfterMs),
    /** How often garbage is collected; 0: never by itself. */
    collectEvery: duration().default(defaultStoreSettings.collectEveryMs),
    /** Of memory, for manifests that are asked for often. */
    manifestMemory: size().default(defaultStoreSettings.manifestMemoryBytes),
  })
  .transform(
    ({
      uploadExpiry,
      untaggedAfter,
      unreferencedAfter,
      collectEvery,
      manifestMemory,
      maxBlobBytes,
      ...same
    }): StoreSettings => ({
      ...same,
      ...(maxBlobBytes !== undefined && { maxBlobBytes }),
      ...(untaggedAfter !== undefined && { untaggedAfterMs: untaggedAfter }),
      uploadExpiryMs: uploadExpiry,
      unreferencedAfterMs: unreferencedAfter,
      collectEveryMs: collectEvery,
      manifestMemoryBytes: manifestMemory,
    }),
  );
