import type { ImageReference } from "../../core/image-reference.ts";
import { absolutePath } from "../../core/working-folder.ts";
import { explicitPath, parentsOf } from "../../layout/explicit-path.ts";

/** @throws {UsageError} `usage.bad-reference` where the folder that it should be in is not there */
export async function resolveDirLocation(text: string): Promise<ImageReference> {
  const path = await explicitPath(text);
  return {
    transport: "dir",
    text: path,
    ...(text !== path && { typed: text }),
    policyIdentity: path,
    policyNamespaces: parentsOf(path),
  };
}

/**
 * Whether writing to `folder` would put an end to what `origin` is read from: the same folder, or one inside it. Both
 * are free of links. Only transports that name their images by paths have a path for an identity.
 */
export function wouldOverwrite(folder: string, origin: ImageReference): boolean {
  const path = origin.policyIdentity;
  if (origin.transport === "docker" || !path.startsWith("/")) return false;
  const above = folder === "/" ? "/" : `${folder}/`;
  return path === folder || absolutePath(path).startsWith(above);
}
