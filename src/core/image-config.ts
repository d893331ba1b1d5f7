import { ociImage } from "./config-structs.ts";
import { ContentError } from "./errors.ts";
import type { GoValue } from "./go-struct.ts";
import { type GoType, readAs } from "./go-type.ts";
import { parseJsonText } from "./json-text.ts";
import { decodeUtf8 } from "./utf8.ts";

/** An image config as OCI has it; of a Docker config what the two have in common. */
export type OciImageConfig = GoValue<typeof ociImage>;

/** Configs may nest this deep; Go's limit is ten times that, but none comes near either. */
const maxDepth = 1000;

/**
 * Reads an image config of either kind.
 *
 * @throws {ContentError} `content.bad-config`, with Go's text
 */
export function parseImageConfig(bytes: Uint8Array): OciImageConfig {
  return readConfigAs(ociImage, decodeUtf8(bytes));
}

/** The config as compact JSON, byte for byte what the Go tools write of it. */
export function formatImageConfig(config: OciImageConfig): string {
  return ociImage.write(config);
}

/** A config's JSON as `type`. @throws {ContentError} `content.bad-config` */
export function readConfigAs<T>(type: GoType<T>, json: string): T {
  try {
    return readAs(type, parseJsonText(json, { maxDepth }), "content.bad-config");
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw new ContentError("content.bad-config", error.message, { cause: error });
  }
}
