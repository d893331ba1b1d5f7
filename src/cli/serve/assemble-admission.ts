import { join } from "node:path";
import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import { findRegistriesD } from "../../config/load-registries-d.ts";
import { createAdmission, type ServerAdmission } from "../../server/admission/create-admission.ts";
import { type LivePolicy, openLivePolicy } from "../../server/admission/live-policy.ts";
import type { AuditLog } from "../../server/audit.ts";
import type { ServedSignatures } from "../../server/served-signatures.ts";
import type { V2Parts } from "../../server/v2/parts.ts";
import { nameForRights } from "../../server/v2/rights.ts";
import { readBounded } from "../../stream/bounded.ts";
import type { AssembledBackends, AssemblyBase } from "./assemble-server.ts";
import { policyPlaces } from "./policy-places.ts";

/** What admission is joined with. */
export interface AdmissionContext extends AssembledBackends {
  readonly route: V2Parts["route"];
  readonly signatures: ServedSignatures;
  readonly audit: AuditLog | undefined;
}

/**
 * Decides by the policy where the section is there; the block list counts in any case.
 *
 * @throws {ConfigError} `config.not-found` where there is no policy
 * @throws {PolicyError} `policy.invalid`
 */
export function assembleAdmission(
  base: AssemblyBase,
  { store, backendOf, route, signatures, audit }: AdmissionContext,
  opened: AsyncDisposableStack,
): ServerAdmission {
  const { settings, report, now } = base;
  const policy = settings.admission && opened.use(openPolicy(base, audit));
  return opened.use(
    createAdmission({
      settings: settings.admission,
      serverName: settings.name,
      isPlain: (repository) => nameForRights({ route }, repository) === repository.requested,
      policy,
      signatures,
      readManifest: (repository, digest, call) =>
        backendOf(repository).readManifest(repository, { type: "digest", digest }, call),
      async readBlob(repository, digest, { maxBytes, ...call }) {
        await using blob = await backendOf(repository).openBlob(repository, digest, call);
        if (!blob || blob.size > maxBytes) return undefined;
        const bytes = blob.read({ start: 0, end: blob.size }, call.signal);
        return await readBounded(bytes, maxBytes, "blob");
      },
      openBlob: (repository, digest, call) =>
        backendOf(repository).openBlob(repository, digest, call),
      holderOf(digest) {
        const holder = store.holderOf(digest);
        return holder && { ...holder, requested: holder.path, upstream: undefined };
      },
      naming: (repository, digest) => store.naming(repository, digest),
      folder: join(settings.data, "admission"),
      now,
      report,
      ...(audit && { audit }),
    }),
  );
}

function openPolicy(
  { settings, environment, report, context }: AssemblyBase,
  audit: AuditLog | undefined,
): LivePolicy {
  const { policy = context.settings.policyPath, overlay } = settings.admission ?? {};
  return openLivePolicy({
    ...policyPlaces(environment, { policy, overlay }),
    signaturePlaces: [findRegistriesD(environment, context.settings.registriesDirectory)],
    verifiers: createVerifiers({ now: () => new Date() }),
    requireSigned: context.settings.requireSigned,
    report,
    ...(audit && { audit }),
  });
}
