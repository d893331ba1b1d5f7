import { FolderStore } from "../../sigstore/lookaside/folder-store.ts";
import { type Lookaside, openLookaside } from "../../sigstore/lookaside/open-lookaside.ts";
import type { Endpoint } from "../config/endpoints.ts";
import {
  isScope,
  isStaging,
  type RegistriesD,
  type SignaturePlaces,
  signaturePlaces,
} from "../config/registries-d.ts";
import { repositoryName } from "../core/docker-reference.ts";
import { dockerIdentity, dockerScopes } from "../core/policy-scopes.ts";
import type { HttpClient } from "../registry/http/contract.ts";
import type { FindSignaturePlaces, RepositoryPlaces } from "../transport/docker/signatures.ts";

/** What look-asides are found and reached with. */
export interface LookasidesOptions {
  readonly registriesD: () => Promise<RegistriesD>;
  /** Where signatures are kept if nothing is set. */
  readonly defaultFolder: string;
  /** For what is kept beside a registry. */
  readonly httpBeside: (endpoint: Endpoint) => HttpClient;
  readonly userAgent: string;
  readonly onWarning: (text: string) => void;
  readonly onDebug?: (text: string) => void;
}

/** Images of so many names are looked for without working it out anew: a run has one or two repositories at a time. */
const mostKept = 64;

/** Finds where the signatures of a repository are kept, by its own name: a mirror's are looked up as the mirror's. */
export function createLookasides(options: LookasidesOptions): FindSignaturePlaces {
  const known = new Map<string, RepositoryPlaces>();
  let knownOf: RegistriesD | undefined;
  return async (endpoint) => {
    const config = await options.registriesD();
    if (config !== knownOf) known.clear(); // it was read again
    knownOf = config;
    const { reference, insecure } = endpoint;
    const identity = dockerIdentity(reference);
    const own = isScope(config, identity) ? identity : repositoryName(reference);
    const key = `${own} ${insecure}`;
    const found = known.get(key);
    if (found) return found;
    const places = placesOf(config, endpoint, options);
    if (known.size >= mostKept) known.clear();
    known.set(key, places);
    return places;
  };
}

function placesOf(
  config: RegistriesD,
  endpoint: Endpoint,
  options: LookasidesOptions,
): RepositoryPlaces {
  const { policyIdentity, policyNamespaces } = dockerScopes(endpoint.reference);
  const places = signaturePlaces(config, [policyIdentity, ...policyNamespaces]);
  const open = (url: string, writable: boolean): Lookaside =>
    openLookaside(url, { ...options, http: options.httpBeside(endpoint) }, writable);
  const folder = new FolderStore(options.defaultFolder);
  return {
    where: places.read?.value ?? `file://${options.defaultFolder}`,
    read: places.read ? open(places.read.value, false) : folder,
    write: openForWriting(config, places, open) ?? folder,
    more: places.more.map(({ value }) => ({ where: value, store: open(value, false) })),
    attachments: places.attachments?.value ?? false,
    ...(options.onDebug && { tell: options.onDebug }),
    open: (url) => open(url, true),
  };
}

function openForWriting(
  config: RegistriesD,
  { write }: SignaturePlaces,
  open: (url: string, writable: boolean) => Lookaside,
): Lookaside | undefined {
  return write && open(write.value, isStaging(config, write));
}
