import { access, constants } from "node:fs/promises";
import { UsageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import { absolutePath } from "../../core/working-folder.ts";
import { fileError } from "../../layout/errors.ts";

/** What stands for standard input among the files. */
export const standardInput = "-";

/**
 * `file{:file}`: the layers of an image, base first. Each must be there.
 *
 * @throws {UsageError} `usage.bad-reference`
 */
export async function resolveTarballLocation(typed: string): Promise<ImageReference> {
  const files = filesOf(typed);
  for (const file of files) if (file !== standardInput) await checkReadable(file);
  const absolute = files.map((file) => (file === standardInput ? file : absolutePath(file)));
  // A working folder with a colon in its name could not be read again.
  const text = absolute.some((file) => file.includes(":")) ? typed : absolute.join(":");
  return {
    transport: "tarball",
    text,
    ...(text !== typed && { typed }),
    policyIdentity: "",
    policyNamespaces: [],
  };
}

/** The files that a reference's text names. */
export function filesOf(text: string): readonly string[] {
  return text.split(":");
}

async function checkReadable(file: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    const failure = fileError("layout.unreadable", `open ${file}`, error);
    const why = failure instanceof Error ? failure.message : String(failure);
    throw new UsageError("usage.bad-reference", `error opening ${JSON.stringify(file)}: ${why}`, {
      cause: error,
    });
  }
}
