/** What can be served alone. */
export const faceNames = ["registry", "signatures", "jobs", "page"] as const;

/** One of {@link faceNames}. */
export type FaceName = (typeof faceNames)[number];
