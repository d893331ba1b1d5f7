import type { StoreSettings } from "./registry-store.ts";

const hourMs = 60 * 60 * 1000;

/** What a store does where nothing else is said. */
export const defaultStoreSettings: Required<StoreSettings> = {
  references: "strict",
  deleteReferencedBlobs: true,
  maxBlobBytes: Number.POSITIVE_INFINITY,
  uploadExpiryMs: 24 * hourMs,
  maxUploadsPerUser: 1000,
  untaggedAfterMs: Number.POSITIVE_INFINITY,
  unreferencedAfterMs: 24 * hourMs,
  collectEveryMs: hourMs,
  manifestMemoryBytes: 32 * 1024 * 1024,
};
