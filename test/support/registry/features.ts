import type { SignaturesApi } from "./signatures.ts";

/** Where registries differ; see `quirks.ts` for who does what. */
export interface Features {
  /** POST ?mount&from: take the blob over, ignore it (202), or refuse with a status. */
  readonly mount: "mount" | "ignore" | number;
  /** POST ?mount without from. */
  readonly anonymousMount: "mount" | "ignore" | number;
  /** POST ?digest with the whole body is taken; otherwise ignored with 202. */
  readonly singlePost: boolean;
  /** False: a PUT with a body is answered 404, as old Artifactory does. */
  readonly putBody: boolean;
  /** False: PATCH is answered 405. */
  readonly patch: boolean;
  /** Limits of a PATCH that carries Content-Range; others get 416. */
  readonly chunkBytes?: { readonly min?: number; readonly max?: number };
  readonly patchStatus: number;
  readonly putStatus: number;
  /** A Location works once; an older one is answered 404. */
  readonly singleUseLocation: boolean;
  /** Form of Location; another origin is named by its base URL. */
  readonly location: "absolute" | "path" | "relative" | { readonly origin: string };
  /** More query in each Location that has to come back; else 404. */
  readonly locationQuery: Readonly<Record<string, string>>;
  /** Whether an upload that was cut off can be gone on with. */
  readonly resumable: boolean;
  /** Docker-Content-Digest on manifests and blobs. */
  readonly digestHeader: boolean;
  readonly referrers: boolean;
  readonly catalog: boolean;
  readonly deleteManifest: boolean;
  readonly deleteTag: boolean;
  readonly deleteBlob: boolean;
  /** How a manifest that is not there is answered. */
  readonly notFound: "spec" | "plain" | "forbidden" | "unknown-not-found" | "harbor";
  /** Repositories are made beforehand: pushing to another gives 404 NAME_UNKNOWN. */
  readonly repositoriesExist: boolean;
  /** Items of a page of tags, whatever `n` asks; `maxPage`: an `n` above is answered 400. */
  readonly pageLimit: number;
  readonly maxPage?: number;
  /** Items in tag lists besides the tags. */
  readonly strangeTags: readonly (string | null)[];
  /** The `manifest` map of digests beside the tags (GCR). */
  readonly tagDetails: boolean;
  /** PUT, PATCH and POST without Content-Length are answered 411. */
  readonly needsLength: boolean;
  /** Manifest types taken; others get 415. Undefined: all. */
  readonly manifestTypes?: readonly string[];
  readonly maxManifestBytes: number;
  /** Blobs are answered with a redirect to this origin, which shares the store. */
  readonly blobRedirect?: { readonly origin: string; readonly status: number };
  /** Whoever sends Authorization here gets 400, as object stores do. */
  readonly refusesAuthorization: boolean;
  /** Whether HEAD works; else its status. */
  readonly headStatus?: number;
  /** HEAD of a blob is answered 404 though GET gives it (a proxy's uncached blob). */
  readonly headBlobUncached: boolean;
  /** Headers on every answer. */
  readonly extraHeaders: Readonly<Record<string, string>>;
  /** Whether If-Match and If-None-Match count when a manifest is put. */
  readonly conditions: boolean;
  /** The API for signatures. */
  readonly signatures?: SignaturesApi;
  /** Blobs and children named by a manifest have to be there. */
  readonly validates: boolean;
  /** `?tag=` beside a digest. */
  readonly tagParameters: boolean;
}

/** A registry as distribution-spec 1.1 has it, everything on. */
export const plainFeatures: Features = {
  mount: "mount",
  anonymousMount: "ignore",
  singlePost: false,
  putBody: true,
  patch: true,
  patchStatus: 202,
  putStatus: 201,
  singleUseLocation: false,
  location: "absolute",
  locationQuery: {},
  resumable: true,
  digestHeader: true,
  referrers: true,
  catalog: true,
  deleteManifest: true,
  deleteTag: true,
  deleteBlob: true,
  notFound: "spec",
  repositoriesExist: false,
  pageLimit: 1000,
  strangeTags: [],
  tagDetails: false,
  needsLength: false,
  maxManifestBytes: 4 * 1024 * 1024,
  refusesAuthorization: false,
  headBlobUncached: false,
  extraHeaders: {},
  conditions: false,
  validates: true,
  tagParameters: false,
};
