// path      = component *( "/" component )                         at most 255 characters
// component = 1*lc *( ( "." / "_" / "__" / 1*"-" ) 1*lc )          lc = a-z 0-9
// tag       = word *127( word / "." / "-" )                        word = A-Z a-z 0-9 _
const pathPattern =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const uploadIdPattern = /^[A-Za-z0-9_=-]{1,128}$/;

const maxPathLength = 255;

/** Whether `text` is a repository's name as it stands behind `/v2/` — OCI distribution-spec § Pulling manifests. */
export function isRepositoryPath(text: string): boolean {
  return text.length <= maxPathLength && pathPattern.test(text);
}

/** Whether `text` may be a tag — OCI distribution-spec § Pulling manifests. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Whether `text` may be the id of an upload: a name without a path in it. */
export function isUploadId(text: string): boolean {
  return uploadIdPattern.test(text);
}
