import type { Gate } from "../../../policy/gate.ts";
import type { Verdict } from "../../../policy/verdict.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { Signer } from "../../../sigstore/signer.ts";
import { type Digest, isDigest } from "../../core/digest.ts";
import { parseCanonicalReference } from "../../core/docker-reference.ts";
import { KnownError } from "../../core/errors.ts";
import { readRawManifest } from "../../core/manifest.ts";
import { dockerImageReference } from "../../transport/docker/location.ts";
import type { AuditLog } from "../audit.ts";
import { signedDigest } from "../signed-digest.ts";
import { digestsToSign, type SignedPart } from "./digests-to-sign.ts";
import { SigningError } from "./errors.ts";
import { fillIdentity } from "./identity.ts";
import { decodeSignature, encodeSignature, type SignAnswer, type SignRequest } from "./messages.ts";
import { bridgesFor, rulesFor } from "./rules.ts";
import type { BridgeRule, SigningRule, SigningSettings } from "./settings.ts";

/** What the signer decides and signs with. */
export interface SigningOffice {
  readonly settings: SigningSettings;
  /** @throws {SigningError} `signing.no-such-key` */
  signer(name: string): Promise<Signer>;
  /** Judges by the policy, and lets nothing in that it checks no signature of. */
  gate(): Promise<Gate>;
  /** Who has this password, by the Authorization header. */
  userOf(authorization: string): Promise<string | undefined>;
  readonly audit: AuditLog & {
    /** Until all that was noted before is on the disk; fails where it cannot be. */
    flush(): Promise<void>;
  };
}

/** A request whose bytes have been looked at: nothing else of it is believed. */
interface Understood {
  readonly request: SignRequest;
  readonly digests: ReadonlyMap<Digest, SignedPart>;
  readonly standing: ReadonlyMap<string, readonly UntrustedSignature[]>;
  readonly bundles: ReadonlyMap<string, readonly Uint8Array[]>;
}

/** What may be signed, and by whose signature where that was asked. */
type Admitted = ReadonlyMap<Digest, Verdict | undefined>;

interface Order {
  readonly manifest: Digest;
  readonly dockerReference: string;
  readonly signer: Signer;
  readonly optional?: Readonly<Record<string, string>>;
}

/**
 * Signs what a request asks for, if the rules let it: each manifest, under the rules' names alone, with their keys alone.
 * What stands already by the same key for the same claim is not made again.
 *
 * @throws {SigningError} `signing.refused`, `signing.bad-request`, `signing.no-such-key`
 * @throws {SignatureError} `signature.cannot-sign`
 */
export async function signByRules(
  request: SignRequest,
  office: SigningOffice,
  signal: AbortSignal,
): Promise<SignAnswer> {
  const understood = understand(request);
  const orders =
    request.why === "bridge"
      ? await bridgeOrders(understood, office)
      : await pushOrders(understood, office);
  const made: SignAnswer["signatures"] = [];
  for (const order of orders) {
    const signature = await sign(order, understood, signal);
    if (!signature) continue;
    made.push({
      manifest: order.manifest,
      keyId: order.signer.keyId,
      signature: encodeSignature(signature),
    });
    office.audit.note({
      type: "signed",
      repository: `${request.domain}/${request.path}`,
      reference: order.dockerReference,
      digest: order.manifest,
      detail: `${request.why}, key ${order.signer.keyId}`,
      ...(request.user !== undefined && { user: request.user }),
    });
  }
  // Nobody has a signature that the log does not tell of, whatever happens to this process.
  if (made.length > 0) await office.audit.flush();
  return { signatures: made };
}

function understand(request: SignRequest): Understood {
  try {
    const manifests = request.manifests.map((text) => readRawManifest(Buffer.from(text, "base64")));
    const [top] = manifests;
    if (!top) throw new SigningError("signing.bad-request", "no manifest was sent");
    const others = new Map(manifests.map((manifest) => [signedDigest(manifest), manifest]));
    return { request, digests: digestsToSign(top, others), ...proofOf(request) };
  } catch (cause) {
    if (!(cause instanceof KnownError) || cause instanceof SigningError) throw cause;
    throw new SigningError("signing.bad-request", cause.message, { cause });
  }
}

function proofOf(request: SignRequest): Pick<Understood, "standing" | "bundles"> {
  return {
    standing: byManifest(request.signatures, ({ signature }) => decodeSignature(signature)),
    bundles: byManifest(request.bundles, ({ bundle }) => Buffer.from(bundle, "base64")),
  };
}

function byManifest<T extends { readonly manifest: string }, V>(
  entries: readonly T[],
  read: (entry: T) => V,
): ReadonlyMap<string, readonly V[]> {
  const found = new Map<string, V[]>();
  for (const entry of entries) {
    const { manifest } = entry;
    if (!isDigest(manifest)) throw new SigningError("signing.bad-request", "a digest is none");
    const known = found.get(manifest);
    if (known) known.push(read(entry));
    else found.set(manifest, [read(entry)]);
  }
  return found;
}

async function pushOrders(
  understood: Understood,
  office: SigningOffice,
): Promise<readonly Order[]> {
  const { request } = understood;
  const { keys } = request;
  const rules = rulesFor(office.settings, request, request.user).flatMap((rule) => {
    const wanted = keys ? rule.keys.filter((name) => keys.includes(name)) : rule.keys;
    return wanted.length === 0 ? [] : [{ ...rule, keys: wanted }];
  });
  if (rules.length === 0) throw refused(request, "no rule has it signed");
  const all: Admitted = new Map([...understood.digests.keys()].map((each) => [each, undefined]));
  const orders: Order[] = [];
  for (const rule of rules) {
    await checkProof(rule, request, office);
    for (const tag of request.tags) {
      const admitted = rule.require === "verified" ? await judge(understood, tag, office) : all;
      orders.push(...(await ordersOf(rule, { understood, tag, admitted }, office)));
    }
  }
  return orders;
}

async function bridgeOrders(
  understood: Understood,
  office: SigningOffice,
): Promise<readonly Order[]> {
  const { request } = understood;
  const rules = bridgesFor(office.settings, request);
  if (rules.length === 0) throw refused(request, "no bridge leads there");
  const orders: Order[] = [];
  for (const tag of request.tags) {
    const admitted = await judge(understood, tag, office);
    for (const rule of rules)
      for (const order of await ordersOf(rule, { understood, tag, admitted }, office)) {
        const optional = { "amphora-origin": originOf(admitted.get(order.manifest)) };
        orders.push({ ...order, optional });
      }
  }
  return orders;
}

interface Wanted {
  readonly understood: Understood;
  readonly tag: string;
  readonly admitted: Admitted;
}

async function ordersOf(
  rule: SigningRule | BridgeRule,
  { understood: { request }, tag, admitted }: Wanted,
  office: SigningOffice,
): Promise<readonly Order[]> {
  const { domain, path } = request;
  const dockerReference = fillIdentity(rule.identity, { domain, path, tag });
  if (dockerReference === undefined) throw refused(request, "its name is none that can be signed");
  const signers = await Promise.all(rule.keys.map((name) => office.signer(name)));
  return signers.flatMap((signer) =>
    [...admitted.keys()].map((manifest) => ({ manifest, dockerReference, signer })),
  );
}

async function checkProof(
  rule: SigningRule,
  request: SignRequest,
  office: SigningOffice,
): Promise<void> {
  if (rule.proof === "endpoint") return;
  const { authorization, user } = request;
  const proven = authorization === undefined ? undefined : await office.userOf(authorization);
  if (user !== undefined && proven === user) return;
  throw refused(request, "the rule wants the password of whoever pushes, and it was not given");
}

/**
 * What the policy admits by signatures that were sent along: of an index each of its images, as a client of it would be
 * judged; the index's own signature says nothing of them to the policy. Attestations that nobody signed are left out, since
 * nothing here tells whether they are any.
 *
 * @throws {SigningError} `signing.refused`
 */
async function judge(
  understood: Understood,
  tag: string,
  office: SigningOffice,
): Promise<Admitted> {
  const { request, digests } = understood;
  const gate = await office.gate();
  const isThere = [...digests.values()].includes("image");
  const admitted = new Map<Digest, Verdict>();
  for (const [digest, part] of digests) {
    if (part === "index") continue;
    const verdict = await verdictOn(digest, understood, tag, gate);
    if (verdict.allowed) admitted.set(digest, verdict);
    else if (part === "image" || !isThere)
      throw refused(request, `the policy does not admit it: ${verdict.error}`);
  }
  const [first] = admitted.values();
  return new Map(
    [...digests].flatMap(([digest, part]) => {
      const verdict = part === "index" ? first : admitted.get(digest);
      return verdict ? [[digest, verdict]] : [];
    }),
  );
}

function verdictOn(
  manifestDigest: Digest,
  { request: { domain, path }, standing, bundles }: Understood,
  tag: string,
  gate: Gate,
): Promise<Verdict> {
  return gate.verdict({
    reference: dockerImageReference(parseCanonicalReference(`${domain}/${path}:${tag}`)),
    manifestDigest,
    signatures: async () => standing.get(manifestDigest) ?? [],
    bundles: async () => bundles.get(manifestDigest) ?? [],
  });
}

/** Whose signature it was that verified, in the policy's words. */
function originOf(verdict: Verdict | undefined): string {
  const verified = verdict?.steps.filter(({ kind, ok }) => kind === "crypto" && ok).at(-1);
  const by = verified?.kind === "crypto" ? verified.data.signedBy : undefined;
  return by ?? "the policy";
}

async function sign(
  { manifest, dockerReference, signer, optional }: Order,
  { standing }: Understood,
  signal: AbortSignal,
): Promise<UntrustedSignature | undefined> {
  const claim = { manifestDigest: manifest, dockerReference };
  for (const signature of standing.get(manifest) ?? [])
    if (await signer.hasMade(signature, claim)) return undefined;
  return await signer.sign(claim, { signal, ...(optional && { optional }) });
}

function refused({ domain, path }: SignRequest, why: string): SigningError {
  return new SigningError("signing.refused", `${domain}/${path} is not signed: ${why}`);
}
