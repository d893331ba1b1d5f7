import type { Access } from "./registry/access.ts";
import { refuse } from "./registry/faults.ts";
import type { Features } from "./registry/features.ts";
import { type Registry, type RegistryOptions, startRegistry } from "./registry.ts";
import { startTokenServer, type TokenServerOptions } from "./token-server.ts";

/** The registries of `specs/registry.md` 1.8, by what they do otherwise. */
export type QuirkName = keyof typeof profiles;

/** A registry that behaves like a known one, with all the servers it takes. */
export interface QuirkRegistry extends AsyncDisposable {
  readonly registry: Registry;
  /** Where its blobs or uploads are redirected; shares the registry's store. */
  readonly elsewhere: Registry;
  /** Credentials for pushing, where they are needed. */
  readonly credentials: string | undefined;
}

interface Profile {
  readonly features?: Partial<Features>;
  /** Features that need to know the other origin. */
  readonly withOrigin?: (origin: string) => Partial<Features>;
  readonly basic?: { readonly scheme?: string };
  readonly tokens?: Partial<TokenServerOptions>;
  readonly challengeOnPingOnly?: boolean;
  /** Repositories that exist before anything is pushed. */
  readonly repositories?: readonly string[];
  /** Rules in force from the start. */
  readonly prepare?: (registry: Registry) => void;
}

const user = { name: "ann", password: "secret" } as const;

const ociTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
];

const noCatalog = { catalog: false, referrers: false } as const;
const redirecting = (origin: string) => ({ blobRedirect: { origin, status: 307 } });

const profiles = {
  dockerHub: {
    features: {
      ...noCatalog,
      extraHeaders: {
        "ratelimit-limit": "100;w=21600",
        "ratelimit-remaining": "99;w=21600",
        "docker-ratelimit-source": "127.0.0.1",
      },
    },
    withOrigin: redirecting,
    tokens: {},
  },
  quay: {
    features: { anonymousMount: 400 },
    withOrigin: redirecting,
    tokens: { refuses: ["delete", "*"] },
    // The repository is made by the first push, and races with it.
    prepare(registry) {
      registry.behave({
        on: "POST uploads",
        fault: refuse(404, { code: "NAME_UNKNOWN" }),
      });
    },
  },
  ghcr: {
    features: { ...noCatalog, chunkBytes: { max: 4 * 1024 * 1024 } },
    tokens: {},
  },
  gitlab: {
    features: { referrers: false },
    tokens: { scopes: "last", lifeMs: 300_000 },
  },
  ecr: {
    features: {
      repositoriesExist: true,
      patchStatus: 201,
      chunkBytes: { min: 5 * 1024 * 1024 },
      digestHeader: false,
      maxPage: 1000,
      referrers: false,
    },
    basic: {},
    repositories: ["made/before"],
  },
  ecrPublic: {
    features: { ...noCatalog, repositoriesExist: true },
    tokens: { field: "token" },
    repositories: ["made/before"],
  },
  artifactRegistry: {
    features: {
      ...noCatalog,
      chunkBytes: { max: 0 },
      singleUseLocation: true,
      putStatus: 204,
      tagDetails: true,
    },
    tokens: {},
    challengeOnPingOnly: true,
  },
  acr: {
    features: { locationQuery: { _nouploadcache: "false" }, catalog: false },
    withOrigin: redirecting,
    tokens: { refreshTokens: { "identity-token": user.name } },
  },
  harbor: {
    features: { mount: 404, anonymousMount: 401, notFound: "harbor" },
    tokens: {},
  },
  harborProxy: {
    features: { headBlobUncached: true, notFound: "harbor" },
    tokens: {},
  },
  artifactory: {
    features: { notFound: "forbidden", putBody: false, strangeTags: [`sha256__${"0".repeat(64)}`] },
    withOrigin: (origin) => ({ ...redirecting(origin), location: { origin } }),
  },
  nexus: {
    features: { ...noCatalog, needsLength: true, strangeTags: [null, ""] },
    basic: { scheme: "BASIC" },
  },
  redhat: {
    features: { digestHeader: false, notFound: "unknown-not-found", referrers: false },
    withOrigin: (origin) => ({ blobRedirect: { origin, status: 302 } }),
  },
  distribution2: {
    features: { referrers: false, deleteTag: false, resumable: false },
  },
  distribution3: {
    features: { referrers: false, maxPage: 1000, pageLimit: 1000 },
  },
  zot: {
    features: { singlePost: true, anonymousMount: "mount", manifestTypes: ociTypes },
  },
  ggcr: {
    features: { mount: "ignore", deleteBlob: false, location: "path" },
  },
} as const satisfies Record<string, Profile>;

/** All of them, for loops. */
export const quirkNames = Object.keys(profiles) as readonly QuirkName[];

/** Whether Docker's media types are refused there, so that only OCI images can be pushed. */
export function takesOciOnly(name: QuirkName): boolean {
  const profile: Profile = profiles[name];
  return profile.features?.manifestTypes === ociTypes;
}

/** Starts the registry of that profile, its token server and the origin it redirects to. */
export async function startQuirk(
  name: QuirkName,
  options: RegistryOptions = {},
): Promise<QuirkRegistry> {
  const profile: Profile = profiles[name];
  const tokens = await tokensOf(profile);
  const registry = await startRegistry({
    ...options,
    ...(tokens && { access: bearerOf(profile, tokens) }),
    ...(profile.basic && { access: basicOf(profile) }),
  });
  const elsewhere = await startRegistry({
    store: registry.store,
    // Uploads that are told to go there end there; and it is no registry that asks who is asking.
    features: { ...profile.features, refusesAuthorization: true, location: "path" },
  });
  registry.features = {
    ...registry.features,
    ...profile.features,
    ...profile.withOrigin?.(elsewhere.origin),
  };
  for (const repository of profile.repositories ?? []) registry.store.open(repository);
  profile.prepare?.(registry);
  return {
    registry,
    elsewhere,
    credentials: tokens || profile.basic ? `${user.name}:${user.password}` : undefined,
    async [Symbol.asyncDispose]() {
      await elsewhere[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      await tokens?.[Symbol.asyncDispose]();
    },
  };
}

function tokensOf(profile: Profile) {
  if (!profile.tokens) return Promise.resolve(undefined);
  return startTokenServer({ users: { [user.name]: user.password }, ...profile.tokens });
}

function bearerOf(
  profile: Profile,
  tokens: { issuer: (Access & { kind: "bearer" })["issuer"]; realm: string },
): Access {
  return {
    kind: "bearer",
    issuer: tokens.issuer,
    realm: tokens.realm,
    ...(profile.challengeOnPingOnly && { challengeOnPingOnly: true }),
  };
}

function basicOf(profile: Profile): Access {
  return {
    kind: "basic",
    users: { [user.name]: user.password },
    ...(profile.basic?.scheme && { scheme: profile.basic.scheme }),
  };
}
