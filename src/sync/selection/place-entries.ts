import { basename } from "node:path";
import type { ImageReference } from "../../core/image-reference.ts";
import type { FindingParts, MirrorEnd } from "../ends.ts";
import type { SourceName } from "../naming.ts";
import { splitPlace } from "../naming.ts";
import { listImageFolders } from "./folder-tree.ts";

/** One image of a place that holds several. */
export interface PlaceEntry {
  /** Transport and text. */
  readonly text: string;
  readonly name: SourceName;
}

/**
 * The images of anything that is no registry: of a folder of `dir`s, of a layout or an archive as a whole, or the one
 * image that a text names. An image with several names is several; one without is called after the file or folder.
 *
 * @throws {KnownError} where the place cannot be read
 */
export async function placeEntries(
  text: string,
  end: MirrorEnd,
  { signal }: FindingParts,
): Promise<readonly PlaceEntry[]> {
  const { transport: kind, rest } = splitPlace(text);
  if (kind === "dir") return await folderEntries(rest);
  const { transport, reference } = await end.resolve(text, "source", { signal });
  const { path, isWhole } = pathIn(rest);
  if (!transport.openImages || !isWhole) return [{ text, name: nameOfImage(reference, rest) }];
  await using open = await transport.openImages(reference, { signal });
  return open.images.flatMap(({ names, position }) =>
    names.length === 0
      ? [
          {
            text: `${kind}:${path}:@${position}`,
            name: { domain: "", repository: nameOfFile(path) },
          },
        ]
      : names.map((name) => ({ text: `${kind}:${path}:${name}`, name: nameOrTag(name, path) })),
  );
}

async function folderEntries(folder: string): Promise<readonly PlaceEntry[]> {
  const found = await listImageFolders(folder);
  return found.map(({ path, below }) => ({
    text: `dir:${path}`,
    name: nameWritten(below === "" ? basename(path) : below),
  }));
}

function pathIn(rest: string): { readonly path: string; readonly isWhole: boolean } {
  const colon = rest.indexOf(":");
  const path = colon < 0 ? rest : rest.slice(0, colon);
  return { path, isWhole: colon < 0 || colon === rest.length - 1 };
}

function nameOfImage({ docker }: ImageReference, rest: string): SourceName {
  if (docker) {
    const { domain, path, tag, digest } = docker;
    return {
      domain,
      repository: path,
      ...(tag !== undefined && { tag }),
      ...(digest !== undefined && { digest }),
    };
  }
  const { path } = pathIn(rest);
  return nameOrTag(rest.slice(path.length + 1), path);
}

/** `app:1.0`, `quay.io/team/app:1.0`, `team/app`, `app@sha256:…`. */
function nameWritten(text: string): SourceName {
  const slash = text.lastIndexOf("/");
  const at = text.indexOf("@", slash + 1);
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(":", slash + 1);
  return {
    ...splitDomain(colon < 0 ? named : named.slice(0, colon)),
    ...(colon >= 0 && { tag: named.slice(colon + 1) }),
    ...(at >= 0 && { digest: text.slice(at + 1) }),
  };
}

/** In layouts any text may be a name: a word alone is a tag of what the file or folder is called. */
function nameOrTag(text: string, path: string): SourceName {
  if (/[/:@]/.test(text)) return nameWritten(text);
  return { domain: "", repository: nameOfFile(path), ...(text !== "" && { tag: text }) };
}

function splitDomain(name: string): Pick<SourceName, "domain" | "repository"> {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  if (!/[.:]/.test(first) && first !== "localhost") return { domain: "", repository: name };
  return { domain: first, repository: name.slice(slash + 1) };
}

/** `/srv/base.tar` → `base`. */
function nameOfFile(path: string): string {
  return basename(path)
    .replace(/\.tar(?:\.\w+)?$|\.tgz$/, "")
    .toLowerCase();
}
