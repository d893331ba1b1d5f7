import { parseEnvelope } from "../../../sigstore/envelope.ts";
import { readSignatureFile } from "../../../sigstore/lookaside/signature-folder.ts";
import { KnownError } from "../../core/errors.ts";
import type { FileState } from "./folder-state.ts";
import { Recent } from "./recent.ts";
import { type ServedSignature, servedSignature } from "./union.ts";
import { faultOf } from "./validity.ts";

/** What a file holds; undefined: it went meanwhile. */
export type FileContent = ServedSignature | "malformed" | undefined;

interface Known {
  readonly mark: string;
  readonly content: ServedSignature | "malformed";
}

/** What is in files, read and checked once, and again where they have changed. */
export class KnownFiles {
  readonly #known = new Recent<Known>({
    entries: 50_000,
    bytes: 32 * 1024 * 1024,
    sizeOf: ({ content }) => 500 + (content === "malformed" ? 0 : 2 * content.bytes.byteLength),
  });

  /** @throws {SignatureError} `signature.store-failed` where nobody can tell what is in it */
  async read(path: string, { mark, changing }: FileState): Promise<FileContent> {
    const known = this.#known.get(path);
    if (known?.mark === mark && !changing) return known.content;
    const content = await readServable(path);
    if (content && !changing) this.#known.set(path, { mark, content });
    return content;
  }
}

const aboutContent: readonly string[] = [
  "signature.malformed",
  "signature.store-limit",
  "content.bad-json",
];

async function readServable(path: string): Promise<FileContent> {
  try {
    const bytes = await readSignatureFile(path);
    if (!bytes) return undefined;
    const signature = parseEnvelope(bytes);
    return faultOf(signature) === undefined ? servedSignature(signature, undefined) : "malformed";
  } catch (error) {
    if (error instanceof KnownError && aboutContent.includes(error.code)) return "malformed";
    throw error;
  }
}
