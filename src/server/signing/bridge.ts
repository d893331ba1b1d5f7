import type { Digest } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import type { Admission, Decision } from "../admission.ts";
import type { ServerCall } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import type { ServedSignatures } from "../served-signatures.ts";
import type { Report } from "../server-event.ts";
import { SigningError } from "./errors.ts";
import { signAndKeep } from "./push-signing.ts";
import { bridgesFor } from "./rules.ts";
import type { SigningSettings } from "./settings.ts";
import type { SignerClient } from "./signer-client.ts";

/** What the bridge is built of. */
export interface BridgeParts {
  readonly settings: SigningSettings;
  readonly signer: SignerClient;
  readonly signatures: ServedSignatures;
  readManifest(
    repository: ServedRepository,
    digest: Digest,
    call: ServerCall,
  ): Promise<RawManifest | undefined>;
  readonly now: () => number;
  readonly report: Report;
}

const maxKnown = 10_000;
/** The signer's policy may change, and so may signatures of an index's images. */
const refusedForMs = 60_000;

/**
 * Admission that leads over the bridge: before an image which it admits by a tag leaves, the signer, who verifies for
 * himself, has signed it as simple signing, so that clients that know nothing else can check it. What cannot be signed so
 * leaves as it is: clients then refuse it themselves.
 */
export function withBridge(admission: Admission, parts: BridgeParts): Admission {
  if (parts.settings.bridge.length === 0) return admission;
  const known = new Map<string, number>();
  const running = new Map<string, Promise<void>>();
  return {
    ...admission,
    async admitManifest(repository, reference, manifest, call): Promise<Decision> {
      const decision = await admission.admitManifest(repository, reference, manifest, call);
      if (!decision.allowed || reference.type !== "tag") return decision;
      if (bridgesFor(parts.settings, repository).length === 0) return decision;
      const key = `${servedName(repository)}:${reference.tag}@${manifest.digest}/${parts.signatures.revision(repository, manifest.digest)}`;
      if ((known.get(key) ?? 0) > parts.now()) return decision;
      let attesting = running.get(key);
      if (!attesting) {
        attesting = attest(parts, { repository, tag: reference.tag, manifest }, call)
          .then((goodForMs) => {
            if (known.size >= maxKnown) known.clear();
            known.set(key, parts.now() + goodForMs);
          })
          .finally(() => running.delete(key));
        running.set(key, attesting);
      }
      await attesting;
      // That takes its time: what was blocked meanwhile stays.
      return await admission.admitManifest(repository, reference, manifest, call);
    },
  };
}

/** For how long there is no need to try again. */
async function attest(
  { signer, signatures, readManifest, report }: BridgeParts,
  {
    repository,
    tag,
    manifest,
  }: {
    readonly repository: ServedRepository;
    readonly tag: string;
    readonly manifest: RawManifest;
  },
  call: ServerCall,
): Promise<number> {
  // Others may be waiting for it: it goes on where the first who asked goes away.
  const { caller, hops } = call;
  const signal = AbortSignal.timeout(60_000);
  const steady = { caller, signal, ...(hops !== undefined && { hops }) };
  const readInstance = (digest: Digest) => readManifest(repository, digest, steady);
  const wanted = { why: "bridge", repository, manifest, tags: [tag], readInstance } as const;
  try {
    const { length: made } = await signAndKeep(wanted, { signer, signatures, all: true }, steady);
    if (made > 0) tell(`signed ${made} over the bridge`, "info");
    return Number.POSITIVE_INFINITY;
  } catch (error) {
    const isFinal = error instanceof SigningError && error.code === "signing.refused";
    tell("the bridge did not sign", "warn", error);
    return isFinal ? refusedForMs : 0;
  }

  function tell(text: string, level: "info" | "warn", error?: unknown): void {
    report({
      type: "message",
      level,
      text,
      fields: { repository: servedName(repository), tag, digest: manifest.digest },
      ...(error !== undefined && { error }),
    });
  }
}
