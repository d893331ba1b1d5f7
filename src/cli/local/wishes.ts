import type { CopyOptions } from "../../copy/options.ts";
import { type Platform, parsePlatform } from "../../core/platform.ts";
import type { CommandContext } from "../context.ts";

/** What is asked of a copy where the flags say nothing else: of a list, the image for this machine. */
export function plainWish(platform: Platform): CopyOptions {
  return {
    select: { type: "system" },
    platform,
    preserveDigests: false,
    removeSignatures: false,
    compression: { force: false },
  };
}

/** The platform of `--platform`, else of the program's flags or the machine. @throws {UsageError} `usage.bad-flag` */
export function wantedPlatform({ flags }: CommandContext, otherwise: Platform): Platform {
  const text = flags.string("platform");
  return text === "" ? otherwise : parsePlatform(text);
}
