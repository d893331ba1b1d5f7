import { subjectPath } from "../../../sigstore/lookaside/layout.ts";
import type { SignedSubject } from "../../../sigstore/signature.ts";
import { type FolderState, folderState, folderStateSync } from "./folder-state.ts";
import { KeptFolder, type KeptSignature } from "./kept-folder.ts";
import { KeyedTurns } from "./keyed-turns.ts";
import { Recent } from "./recent.ts";
import { subjectKey } from "./subject.ts";

const cacheBytes = 32 * 1024 * 1024;
const cacheEntries = 20_000;
/** While others write without end, what was seen last counts. */
const mostReadings = 8;

/** Where the signatures are that this server keeps. */
export interface KeptSignaturesOptions {
  /** `<folder>/<domain>/<path>@<algorithm>=<hex>/signature-<N>`: each domain's is a look-aside as web servers give out. */
  readonly folder: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Files that are no signatures were passed over. */
  readonly onMalformed: (subject: SignedSubject, count: number) => void;
}

interface Reading {
  readonly mark: string;
  readonly kept: readonly KeptSignature[];
}

/**
 * The signatures that this server keeps, in files: other processes may add and remove at any time, and whoever reads sees
 * the list as it was at one moment, without gaps. Read once, and again when the folder has changed.
 */
export class KeptSignatures {
  readonly #options: KeptSignaturesOptions;
  readonly #turns = new KeyedTurns();
  readonly #readings = new Recent<Reading>({
    entries: cacheEntries,
    bytes: cacheBytes,
    sizeOf: ({ kept }) => kept.reduce((sum, { bytes }) => sum + 2 * bytes.byteLength + 500, 200),
  });

  constructor(options: KeptSignaturesOptions) {
    this.#options = options;
  }

  /** In order; a process that adds one behind another's back may show it twice for a moment, never a gap. */
  async read(subject: SignedSubject, signal: AbortSignal): Promise<readonly KeptSignature[]> {
    const folder = this.#folderOf(subject);
    const key = subjectKey(subject);
    for (let readings = 1; ; readings++) {
      signal.throwIfAborted();
      const before = await this.#state(folder);
      if (before.mark === "absent") return [];
      const known = this.#readings.get(key);
      if (known?.mark === before.mark && !before.changing) return known.kept;
      const { kept, malformed } = await folder.read();
      const after = await this.#state(folder);
      if (after.mark !== before.mark && readings < mostReadings) continue;
      if (!before.changing) this.#readings.set(key, { mark: before.mark, kept });
      if (malformed > 0) this.#options.onMalformed(subject, malformed);
      return kept;
    }
  }

  /** Lets nobody else of this process change them meanwhile. */
  change<T>(subject: SignedSubject, work: (folder: KeptFolder) => Promise<T>): Promise<T> {
    const key = subjectKey(subject);
    return this.#turns.run(key, async () => {
      try {
        return await work(this.#folderOf(subject));
      } finally {
        this.#readings.delete(key);
      }
    });
  }

  /** Whether anything may have changed since; costs one call of the system. */
  state(subject: SignedSubject): FolderState {
    return folderStateSync(this.#folderOf(subject).path, this.#options.now());
  }

  #state(folder: KeptFolder): Promise<FolderState> {
    return folderState(folder.path, this.#options.now());
  }

  #folderOf(subject: SignedSubject): KeptFolder {
    const domain = subject.repository.slice(0, subject.repository.indexOf("/"));
    return new KeptFolder(this.#options.folder, `${domain}/${subjectPath(subject)}`);
  }
}
