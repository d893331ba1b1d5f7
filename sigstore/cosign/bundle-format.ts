/** The artifact type, and the type of the one layer, of what cosign 3 attaches to an image. */
export const bundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** No larger bundle is read. */
export const maxBundleBytes = 4 * 1024 * 1024;
