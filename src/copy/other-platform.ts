import { parseImageConfig } from "../core/image-config.ts";
import { suitablePlatforms, type WantedPlatform } from "../core/platform.ts";
import type { Report } from "./events.ts";

/** Tells of an image that is for none of the platforms that suit `wanted`. */
export function tellOtherPlatform(
  config: Uint8Array,
  wanted: WantedPlatform,
  report: Report,
): void {
  const { os, architecture, variant = "" } = parseImageConfig(config);
  const suitable = suitablePlatforms(wanted);
  const suits = (one: Required<WantedPlatform>) =>
    one.os === os && one.architecture === architecture && one.variant === variant;
  if (suitable.some(suits)) return;
  report({ type: "other-platform", platform: { os, architecture, variant }, wanted: suitable });
}
