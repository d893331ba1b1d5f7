import type { KeptFolder, KeptSignature } from "./kept-folder.ts";
import type { SignatureSet } from "./signature-set.ts";
import { hashOf, type ServedSignature } from "./union.ts";

/** Under which conditions something is to be written — RFC 9110 § 13.1. */
export interface WriteConditions {
  /** Only where nothing is there yet: `If-None-Match: *`. */
  readonly isNew: boolean;
  /** Only where one of these is there: `If-Match`; `*` is any. */
  readonly match: readonly string[] | undefined;
}

/** What became of it. */
export type WriteOutcome =
  | { readonly type: "added" | "held" | "replaced" | "removed"; readonly hash: string }
  | { readonly type: "absent" | "condition-failed" }
  | { readonly type: "conflict"; readonly reason: string };

type Listed = KeptSignature | ServedSignature;

/**
 * Keeps `bytes` under `number`: the next one, or one whose content they are already. What is there is overwritten by what
 * stands elsewhere in the list, which is how clients of plain web servers remove one, or if its tag is named; nothing else
 * is. Numbers are those of the list that is given out, others' signatures included.
 *
 * @throws {SignatureError} `signature.store-limit`, `signature.store-failed`
 */
export function putSignature(
  set: SignatureSet,
  number: number,
  bytes: Uint8Array,
  { conditions, signal }: { conditions: WriteConditions; signal: AbortSignal },
): Promise<WriteOutcome> {
  const hash = hashOf(bytes);
  return set.change(async (folder): Promise<WriteOutcome> => {
    const { all } = await set.readWith(folder, signal);
    const there = all[number - 1];
    if (!isMet(conditions, there)) return { type: "condition-failed" };
    const listed = all.some((one) => one.hash === hash);
    if (there)
      return await putOver(folder, there, { bytes, hash, may: listed || !!conditions.match });
    if (number !== all.length + 1) return conflict(`the next number is ${all.length + 1}`);
    if (listed) return { type: "held", hash };
    return { type: (await folder.add([bytes])).length > 0 ? "added" : "held", hash };
  });
}

async function putOver(
  folder: KeptFolder,
  there: Listed,
  { bytes, hash, may }: { bytes: Uint8Array; hash: string; may: boolean },
): Promise<WriteOutcome> {
  if (there.hash === hash) return { type: "held", hash };
  if (!isKept(there)) return conflict("this signature is another server's");
  if (!may) return conflict("another signature has this number");
  await folder.replace(there, bytes);
  return { type: "replaced", hash };
}

/** Removes one of ours; the last of ours takes its number. */
export function deleteSignature(
  set: SignatureSet,
  number: number,
  { conditions, signal }: { conditions: WriteConditions; signal: AbortSignal },
): Promise<WriteOutcome> {
  return set.change(async (folder): Promise<WriteOutcome> => {
    const { all } = await set.readWith(folder, signal);
    const there = all[number - 1];
    if (!isMet(conditions, there)) return { type: "condition-failed" };
    if (!there) return { type: "absent" };
    if (!isKept(there)) return conflict("this signature is another server's");
    await folder.remove(there);
    return { type: "removed", hash: there.hash };
  });
}

function isMet({ isNew, match }: WriteConditions, there: Listed | undefined): boolean {
  if (isNew && there) return false;
  if (!match) return true;
  return there !== undefined && match.some((tag) => tag === "*" || tag === `"${there.hash}"`);
}

function isKept(one: Listed): one is KeptSignature {
  return "number" in one;
}

function conflict(reason: string): WriteOutcome {
  return { type: "conflict", reason };
}
