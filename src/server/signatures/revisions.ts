import type { SignedSubject } from "../../../sigstore/signature.ts";
import type { FolderState } from "./folder-state.ts";
import { Recent } from "./recent.ts";
import { subjectKey } from "./subject.ts";
import { hashOf, type ServedSignature } from "./union.ts";

/** Of each something is held, that of a hundred thousand manifests costs some 30 MB. */
const mostRemembered = 100_000;

/** Numbers that stand for what signatures a manifest has, as far as is known; forgetting one gives another number. */
export class Revisions {
  readonly #others = recent<string>();
  readonly #told = recent<{ readonly text: string; readonly number: number }>();
  #last = 0;
  #epoch = 0;

  /** What others have, as it was read last. */
  noteOthers(subject: SignedSubject, others: readonly ServedSignature[]): void {
    const text = others.map(({ hash }) => hash).join();
    const key = subjectKey(subject);
    if (text === "") this.#others.delete(key);
    else this.#others.set(key, hashOf(Buffer.from(text)));
  }

  /** Gives the next who ask another number, whatever else is the same. */
  bump(subject: SignedSubject): void {
    this.#told.delete(subjectKey(subject));
  }

  /** As {@link bump}, of everything. */
  bumpAll(): void {
    this.#epoch++;
  }

  of(subject: SignedSubject, { mark, changing }: FolderState): number {
    if (changing) return ++this.#last;
    const key = subjectKey(subject);
    const text = `${this.#epoch} ${mark} ${this.#others.get(key) ?? ""}`;
    const told = this.#told.get(key);
    if (told?.text === text) return told.number;
    const number = ++this.#last;
    this.#told.set(key, { text, number });
    return number;
  }
}

function recent<T>(): Recent<T> {
  return new Recent({ entries: mostRemembered, bytes: Number.POSITIVE_INFINITY, sizeOf: () => 0 });
}
