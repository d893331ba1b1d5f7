import { mediaTypes } from "../../core/media-type.ts";

/** What manifests are called in the answers of those that may not have them, by their types. */
const manifestNames: Readonly<Record<string, readonly [one: string, many: string]>> = {
  [mediaTypes.ociManifest]: ["OCI manifest", "OCI manifests"],
  [mediaTypes.ociIndex]: ["OCI index", "OCI indexes"],
  [mediaTypes.dockerManifest]: ["schema 2 manifest", "schema 2 manifests"],
  [mediaTypes.dockerList]: ["manifest list", "manifest lists"],
};

/**
 * Whether an Accept header (several lines joined, undefined for none) takes a manifest of this type. Signed schema 1 goes
 * to those who take the unsigned kind, as in distribution.
 *
 * RFC 9110 § 12.5.1; a type without `*` counts as itself alone.
 */
export function acceptsType(accept: string | undefined, mediaType: string): boolean {
  if (accept === undefined || accept.trim() === "" || accept === mediaType) return true;
  const wanted =
    mediaType === mediaTypes.schema1Signed ? [mediaType, mediaTypes.schema1] : [mediaType];
  return accept.split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";");
    if (parameters.some((parameter) => /^\s*q=0(?:\.0*)?\s*$/i.test(parameter))) return false;
    const name = type.trim().toLowerCase();
    return name === "*/*" || name === "application/*" || wanted.includes(name);
  });
}

/** Distribution's sentence for who asks for a tag without taking the type it has. */
export function unacceptable(mediaType: string): string {
  const [one, many] = manifestNames[mediaType] ?? ["schema 1 manifest", "schema 1 manifests"];
  return `${one} found, but accept header does not support ${many}`;
}
