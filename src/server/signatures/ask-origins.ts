import { parseEnvelope } from "../../../sigstore/envelope.ts";
import { SignatureError } from "../../../sigstore/errors.ts";
import type { SignedSubject } from "../../../sigstore/signature.ts";
import { KnownError } from "../../core/errors.ts";
import type { AnswerMemory } from "./answer-files.ts";
import type { ReportSignatures } from "./events.ts";
import { Fresh, type FreshLimits, type FreshMemory } from "./fresh.ts";
import type { SignatureOrigin } from "./origin.ts";
import { subjectKey } from "./subject.ts";
import { type ServedSignature, servedSignature } from "./union.ts";
import { faultOf } from "./validity.ts";

const cacheBytes = 64 * 1024 * 1024;
const cacheEntries = 20_000;

/** What origins are asked with. */
export interface AskOriginsOptions extends FreshLimits {
  readonly report: ReportSignatures;
  /** Absent: what others said is forgotten with this process. */
  readonly memory?: AnswerMemory;
}

/** What registries and look-asides of others have, each asked at most once in a while. */
export class AskedOrigins {
  readonly #options: AskOriginsOptions;
  readonly #signatures: Fresh<readonly ServedSignature[]>;
  readonly #bundles: Fresh<readonly Uint8Array[]>;

  constructor(options: AskOriginsOptions) {
    this.#options = options;
    const room = { entries: cacheEntries, bytes: cacheBytes };
    const { memory } = options;
    const sizeOf = (all: readonly ServedSignature[]) =>
      all.reduce((sum, { bytes }) => sum + 2 * bytes.byteLength + 500, 0);
    this.#signatures = new Fresh(options, { ...room, sizeOf }, memory && signatureMemory(memory));
    const bundleSize = (all: readonly Uint8Array[]) =>
      all.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const bundles = { ...room, sizeOf: bundleSize };
    this.#bundles = new Fresh(options, bundles, memory && bundleMemory(memory));
  }

  /**
   * The signatures of all, in order; those that are none are left out.
   *
   * @throws {KnownError} where one cannot be read and never was, lately
   */
  async read(
    origins: readonly SignatureOrigin[],
    subject: SignedSubject,
    signal: AbortSignal,
  ): Promise<readonly ServedSignature[]> {
    const ask = async (origin: SignatureOrigin, signal: AbortSignal) =>
      this.#valid(origin, subject, await origin.read(subject.manifestDigest, { signal }));
    return await this.#all(this.#signatures, origins, { subject, signal, ask });
  }

  /** As {@link read}, of bundles. */
  async readBundles(
    origins: readonly SignatureOrigin[],
    subject: SignedSubject,
    signal: AbortSignal,
  ): Promise<readonly Uint8Array[]> {
    const ask = async (origin: SignatureOrigin, signal: AbortSignal) =>
      (await origin.readBundles?.(subject.manifestDigest, { signal })) ?? [];
    return await this.#all(this.#bundles, origins, { subject, signal, ask });
  }

  /** Whether one of them is offline, or could not be asked when that was last tried. */
  failed(origins: readonly SignatureOrigin[], subject: SignedSubject): boolean {
    return origins.some((origin) => {
      const key = keyOf(origin, subject);
      return origin.offline || this.#signatures.failed(key) || this.#bundles.failed(key);
    });
  }

  async #all<T>(
    fresh: Fresh<readonly T[]>,
    origins: readonly SignatureOrigin[],
    {
      subject,
      signal,
      ask,
    }: {
      subject: SignedSubject;
      signal: AbortSignal;
      ask: (origin: SignatureOrigin, signal: AbortSignal) => Promise<readonly T[]>;
    },
  ): Promise<readonly T[]> {
    const asked = origins.map((origin) => {
      if (origin.local) return ask(origin, signal);
      const key = keyOf(origin, subject);
      if (origin.offline) return fresh.last(key).then((last) => last ?? []);
      const told = { signal, told: this.#told(origin) };
      return fresh.get(key, (own) => inTime(origin, own, ask(origin, own)), told);
    });
    return (await Promise.all(asked)).flat();
  }

  #told({ where }: SignatureOrigin) {
    return (outcome: { result: "answered" | "failed" | "held"; durationMs: number }) =>
      this.#options.report({ type: "signatures-asked", where, ...outcome });
  }

  #valid(
    { where }: SignatureOrigin,
    { repository }: SignedSubject,
    found: Awaited<ReturnType<SignatureOrigin["read"]>>,
  ): readonly ServedSignature[] {
    const valid = found.filter((signature) => faultOf(signature) === undefined);
    const count = found.length - valid.length;
    if (count > 0) {
      const event = { type: "signatures-dropped", reason: "malformed" } as const;
      this.#options.report({ ...event, repository, where, count });
    }
    return valid.map((signature) => servedSignature(signature, where));
  }
}

function signatureMemory(memory: AnswerMemory): FreshMemory<readonly ServedSignature[]> {
  const as = (key: string) => `signatures\n${key}`;
  return {
    async recall(key) {
      const found = await memory.recall(as(key));
      if (!found) return undefined;
      const [where] = key.split("\n", 1);
      const value = found.items.map((bytes) => servedSignature(parseEnvelope(bytes), where));
      return { value, at: found.at };
    },
    remember: (key, value, at) =>
      memory.remember(as(key), { items: value.map(({ bytes }) => bytes), at }),
  };
}

function bundleMemory(memory: AnswerMemory): FreshMemory<readonly Uint8Array[]> {
  const as = (key: string) => `bundles\n${key}`;
  return {
    async recall(key) {
      const found = await memory.recall(as(key));
      return found && { value: found.items, at: found.at };
    },
    remember: (key, items, at) => memory.remember(as(key), { items, at }),
  };
}

function keyOf({ where }: SignatureOrigin, subject: SignedSubject): string {
  return `${where}\n${subjectKey(subject)}`;
}

/** A failure for people, where nothing but the time it took is wrong. */
async function inTime<T>(
  { where }: SignatureOrigin,
  signal: AbortSignal,
  answer: Promise<T>,
): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (cause instanceof KnownError || !signal.aborted) throw cause;
    throw new SignatureError(
      "signature.store-failed",
      `reading signatures from ${where}: no answer in time`,
      { cause, retryable: true },
    );
  }
}
