import { mostSignatures } from "../../../sigstore/lookaside/layout.ts";

/** The most that are given out for one manifest: every client gives up on one more. */
export const mostServed = mostSignatures;

/**
 * Bytes of all signatures of one manifest. As base64 with {@link mostServed} entries around them this stays below the
 * 4 MiB that clients of the API take — `specs/signing.md` 3.3.
 */
export const maxServedBytes = 3 * 1024 * 1024 - 32 * 1024;
