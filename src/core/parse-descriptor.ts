import type { Descriptor } from "./descriptor.ts";
import { type Digest, parseDigest } from "./digest.ts";
import { ContentError } from "./errors.ts";
import type { Platform } from "./platform.ts";

/** A platform as the Go structs hold it: empty where nothing is said. */
export interface PlatformMembers {
  readonly architecture: string;
  readonly os: string;
  readonly variant: string;
  readonly "os.version": string;
  readonly "os.features": readonly string[] | null;
  readonly features?: readonly string[] | null;
}

/** A descriptor as the Go structs hold it. */
export interface DescriptorMembers {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: bigint;
  readonly urls: readonly string[] | null;
  readonly annotations?: ReadonlyMap<string, string> | null;
  readonly data?: string | null;
  readonly platform?: PlatformMembers | null;
  readonly artifactType?: string;
}

/**
 * A descriptor that can be relied upon: its media type is named, its digest is one, its size can be counted to.
 *
 * @param where for the message: `config`, `layer 2`
 * @throws {ContentError} `content.bad-manifest`
 */
export function parseDescriptor(members: DescriptorMembers, where: string): Descriptor {
  const { urls, annotations, data, platform, artifactType } = members;
  if (members.mediaType === "") throw bad(`${where} has no media type`);
  return {
    mediaType: members.mediaType,
    digest: checkedDigest(members.digest, where),
    size: checkedSize(members.size, where),
    ...(urls && urls.length > 0 && { urls }),
    ...(annotations && annotations.size > 0 && { annotations: toRecord(annotations) }),
    ...(data && { data }),
    ...(artifactType && { artifactType }),
    ...(platform && { platform: toPlatform(platform) }),
  };
}

/** A map as a record in which no name is special: `__proto__` is a member like any other. */
export function toRecord(map: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  return Object.fromEntries(map);
}

function toPlatform(members: PlatformMembers): Platform {
  const features = members["os.features"];
  return {
    architecture: members.architecture,
    os: members.os,
    ...(members.variant !== "" && { variant: members.variant }),
    ...(members["os.version"] !== "" && { "os.version": members["os.version"] }),
    ...(features && features.length > 0 && { "os.features": features }),
    ...(members.features && members.features.length > 0 && { features: members.features }),
  };
}

function checkedDigest(text: string, where: string): Digest {
  try {
    return parseDigest(text);
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw bad(`${where} has digest ${JSON.stringify(text)}: ${error.message}`);
  }
}

function checkedSize(size: bigint, where: string): number {
  if (size >= 0n && size <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(size);
  throw bad(`${where} has size ${size}`);
}

function bad(message: string): ContentError {
  return new ContentError("content.bad-manifest", `invalid descriptor in manifest: ${message}`);
}
