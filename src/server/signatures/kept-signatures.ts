import { subjectPath } from "../../../sigstore/lookaside/layout.ts";
import type { SignedSubject } from "../../../sigstore/signature.ts";
import { KeyedTurns } from "../keyed-turns.ts";
import type { FolderState } from "./folder-state.ts";
import { KeptFolder, type KeptFolderParts, type KeptSignature } from "./kept-folder.ts";
import { KnownFiles } from "./known-files.ts";
import { subjectKey } from "./subject.ts";

/** Where the signatures are that this server keeps. */
export interface KeptSignaturesOptions {
  /** `<folder>/<domain>/<path>@<algorithm>=<hex>/signature-<N>`: each domain's is a look-aside as web servers give out. */
  readonly folder: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Files that are no signatures were passed over. */
  readonly onMalformed: (subject: SignedSubject, count: number) => void;
}

/**
 * The signatures that this server keeps, in files: other processes may add and remove at any time, and whoever reads sees
 * the list as it was at one moment, without gaps.
 */
export class KeptSignatures {
  readonly #options: KeptSignaturesOptions;
  readonly #parts: KeptFolderParts;
  readonly #turns = new KeyedTurns();

  constructor(options: KeptSignaturesOptions) {
    this.#options = options;
    this.#parts = { root: options.folder, files: new KnownFiles(), now: options.now };
  }

  /** In order. */
  async read(subject: SignedSubject, signal: AbortSignal): Promise<readonly KeptSignature[]> {
    signal.throwIfAborted();
    const { kept, malformed } = await this.#folderOf(subject).read();
    if (malformed > 0) this.#options.onMalformed(subject, malformed);
    return kept;
  }

  /** Lets nobody else of this process change them meanwhile. */
  change<T>(subject: SignedSubject, work: (folder: KeptFolder) => Promise<T>): Promise<T> {
    return this.#turns.run(subjectKey(subject), () => work(this.#folderOf(subject)));
  }

  /** Whether anything may have changed since. */
  state(subject: SignedSubject): FolderState {
    return this.#folderOf(subject).state();
  }

  #folderOf(subject: SignedSubject): KeptFolder {
    const domain = subject.repository.slice(0, subject.repository.indexOf("/"));
    return new KeptFolder(this.#parts, `${domain}/${subjectPath(subject)}`);
  }
}
