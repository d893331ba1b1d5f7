import { formatEnvelope, parseEnvelope } from "../envelope.ts";
import { SignatureError } from "../errors.ts";
import type { SignedSubject, UntrustedSignature } from "../signature.ts";
import type { SignatureStore } from "../store.ts";
import { mostSignatures, noRoom, redactedText, signatureUrl, tooMany } from "./layout.ts";
import { type HttpLookasideOptions, LookasideClient, retrying } from "./lookaside-client.ts";

/** Signatures asked for at once: two at first, since most images have one or none. */
const firstAtOnce = 2;
const mostAtOnce = 8;

type Call = { readonly signal: AbortSignal };

/**
 * Signatures on a web server: any will do for reading. Writing takes one that stores what is PUT (WebDAV, `amphora
 * serve`), and goes by `If-None-Match: *` to the next free number. A server that heeds the condition loses nothing
 * whoever else writes; one that ignores it keeps the later of two that come in the same moment.
 */
export class HttpStore implements SignatureStore {
  readonly #base: URL;
  readonly #client: LookasideClient;
  readonly #writable: boolean;

  /** @param writable the place was named for writing, `lookaside-staging` */
  constructor(base: URL, options: HttpLookasideOptions, writable: boolean) {
    this.#base = base;
    this.#client = new LookasideClient(options);
    this.#writable = writable;
  }

  expect(): void {
    this.#client.warm(this.#base, firstAtOnce);
  }

  async read(subject: SignedSubject, { signal }: Call): Promise<readonly UntrustedSignature[]> {
    const signatures: UntrustedSignature[] = [];
    let number = 1;
    for (let atOnce = firstAtOnce; ; atOnce = Math.min(atOnce * 2, mostAtOnce)) {
      const asked = this.#getSeveral(subject, number, atOnce, signal);
      number += atOnce;
      for (const { url, answer, warnings } of asked) {
        if (signatures.length > mostSignatures) throw tooMany();
        const bytes = await answer;
        for (const text of warnings) this.#client.warn(text);
        if (!bytes) return signatures;
        signatures.push(parsed(bytes, url));
      }
    }
  }

  /** What lies behind the end of the list is asked for and does not count, however it was answered. */
  #getSeveral(subject: SignedSubject, first: number, count: number, signal: AbortSignal) {
    return Array.from({ length: count }, (_, offset) => {
      const url = signatureUrl(this.#base, subject, first + offset);
      const warnings: string[] = [];
      const answer = this.#client.get(url, signal, (text) => warnings.push(text));
      answer.catch(() => {}); // told when its turn comes, if it does
      return { url, answer, warnings };
    });
  }

  async append(
    subject: SignedSubject,
    signatures: readonly UntrustedSignature[],
    { signal }: Call,
  ): Promise<void> {
    if (signatures.length === 0) return;
    await this.checkWritable(subject);
    for (const signature of signatures) {
      const bytes = formatEnvelope(signature);
      await retrying(signal, () => this.#add(subject, bytes, signal));
    }
  }

  /** Done again after a broken connection, it finds what it may have written. */
  async #add(subject: SignedSubject, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    for (let number = 1, refused = 0; number <= mostSignatures; ) {
      const url = signatureUrl(this.#base, subject, number);
      const held = await this.#client.get(url, signal);
      if (held && Buffer.compare(held, bytes) === 0) return;
      if (!held && (await this.#client.create(url, bytes, signal))) return;
      if (held) number++;
      else if (++refused > mostSignatures) throw refusing(url);
    }
    throw noRoom(redactedText(this.#base));
  }

  /** The last signature takes the number of the one removed, then goes: no reader sees a gap. */
  async remove(subject: SignedSubject, index: number, { signal }: Call): Promise<void> {
    const all = await this.#readBytes(subject, signal);
    const last = all.at(-1);
    if (!last || index >= all.length) return;
    const at = (number: number) => signatureUrl(this.#base, subject, number);
    if (!this.#writable) throw notForWriting(at(index + 1));
    if (index < all.length - 1) await this.#client.replace(at(index + 1), last, signal);
    await this.#client.remove(at(all.length), signal);
  }

  /** Removes all of an image's signatures, from the last. */
  async removeAll(subject: SignedSubject, { signal }: Call): Promise<void> {
    const url = (number: number) => signatureUrl(this.#base, subject, number);
    if (!this.#writable) throw notForWriting(url(1));
    for (let last = (await this.#readBytes(subject, signal)).length; last > 0; last--) {
      await this.#client.remove(url(last), signal);
    }
  }

  async checkWritable(subject: SignedSubject): Promise<void> {
    if (!this.#writable) throw notForWriting(signatureUrl(this.#base, subject, 1));
  }

  async #readBytes(subject: SignedSubject, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const found: Uint8Array[] = [];
    for (let number = 1; number <= mostSignatures + 1; number++) {
      const bytes = await this.#client.get(signatureUrl(this.#base, subject, number), signal);
      if (!bytes) break;
      found.push(bytes);
    }
    return found;
  }
}

function parsed(bytes: Uint8Array, url: URL): UntrustedSignature {
  try {
    return parseEnvelope(bytes);
  } catch (cause) {
    throw new SignatureError(
      "signature.store-failed",
      `parsing signature ${redactedText(url)}: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function notForWriting(url: URL): SignatureError {
  const scheme = url.protocol.slice(0, -1);
  return new SignatureError(
    "signature.store-failed",
    `Writing directly to a ${scheme} lookaside ${redactedText(url)} is not supported. Configure a lookaside-staging: location`,
  );
}

function refusing(url: URL): SignatureError {
  return new SignatureError(
    "signature.store-failed",
    `writing signature to ${redactedText(url)}: the server says both that it is there and that it is not`,
  );
}
