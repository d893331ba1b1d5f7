import type { ProgramName } from "./spec.ts";

const SKOPEO =
  "containers-storage, dir, docker, docker-archive, docker-daemon, oci, oci-archive, sif, tarball";

/** The transports there are, as help texts list them. */
function transports(program: ProgramName): string {
  return program === "skopeo" ? SKOPEO : "dir, docker, oci";
}

function whereNames(program: ProgramName): string {
  return program === "skopeo"
    ? 'See skopeo(1) section "IMAGE NAMES" for the expected format'
    : "Image names: docker://NAME[:TAG|@DIGEST], oci:PATH[:NAME|:@INDEX], dir:PATH";
}

/** The help text of `copy`. */
export function copyTransports(program: ProgramName): string {
  return `Container "IMAGE-NAME" uses a "transport":"details" format.

Supported transports:
${transports(program)}

${whereNames(program)}
`;
}

/** The help text of `inspect`. */
export function inspectTransports(program: ProgramName): string {
  return `Return low-level information about "IMAGE-NAME" in a registry/transport
Supported transports:
${transports(program)}

${whereNames(program)}
`;
}

/** The help text of `delete`. */
export function deleteTransports(program: ProgramName): string {
  return `Delete an "IMAGE_NAME" from a transport
Supported transports:
${transports(program)}
${whereNames(program)}
`;
}

/** The help text of `list-tags`. */
export function listTagsTransports(program: ProgramName): string {
  const skopeo = program === "skopeo";
  return `Return the list of tags from the transport/repository "SOURCE-IMAGE"

Supported transports:
docker docker-archive

${skopeo ? 'See skopeo-list-tags(1) section "REPOSITORY NAMES" for the expected format' : "Repository names: docker://NAME, without tag or digest"}
`;
}
