import { dirname, join } from "node:path";
import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import { findPolicyFile } from "../../config/load-policy-file.ts";
import { findRegistriesD } from "../../config/load-registries-d.ts";
import { createAdmission, type ServerAdmission } from "../../server/admission/create-admission.ts";
import { type LivePolicy, openLivePolicy } from "../../server/admission/live-policy.ts";
import type { AuditLog } from "../../server/audit.ts";
import type { ServedSignatures } from "../../server/served-signatures.ts";
import { readBounded } from "../../stream/bounded.ts";
import type { AssembledBackends, AssemblyBase } from "./assemble-server.ts";

/** What admission is joined with. */
export interface AdmissionContext extends AssembledBackends {
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
  { backendOf, signatures, audit }: AdmissionContext,
  opened: AsyncDisposableStack,
): ServerAdmission {
  const { settings, report, now } = base;
  const policy = settings.admission && opened.use(openPolicy(base, audit));
  return opened.use(
    createAdmission({
      settings: settings.admission,
      serverName: settings.name,
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
      folder: join(settings.data, "admission"),
      now,
      report,
      ...(audit && { audit }),
    }),
  );
}

/** A policy that is named has the overlay that is named: anybody may write beside it. */
function openPolicy(
  { settings, environment, report, context }: AssemblyBase,
  audit: AuditLog | undefined,
): LivePolicy {
  const named = settings.admission?.policy ?? context.settings.policyPath;
  const { path } = findPolicyFile(environment, named);
  const beside = named === undefined ? join(dirname(path), "x-policy.json") : undefined;
  const overlay = settings.admission?.overlay ?? beside;
  return openLivePolicy({
    policy: path,
    ...(overlay !== undefined && { overlay }),
    signaturePlaces: [findRegistriesD(environment, context.settings.registriesDirectory)],
    verifiers: createVerifiers({ now: () => new Date() }),
    requireSigned: context.settings.requireSigned,
    report,
    ...(audit && { audit }),
  });
}
