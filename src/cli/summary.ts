import type { CopyEvent } from "../copy/events.ts";
import type { Traffic } from "./parts.ts";

/** How many blobs, and their bytes at the source. */
export interface BlobCount {
  blobs: number;
  bytes: number;
}

/** How the blobs of a copy got where they are. */
export class CopyTotals {
  readonly moved: BlobCount = { blobs: 0, bytes: 0 };
  readonly mounted: BlobCount = { blobs: 0, bytes: 0 };
  readonly held: BlobCount = { blobs: 0, bytes: 0 };
  nothingToDo = false;

  add(event: CopyEvent): void {
    if (event.type === "blob-copied") count(this.moved, event.size);
    else if (event.type === "config-copying") count(this.moved, event.size);
    else if (event.type === "blob-adopted")
      count(event.how === "mounted" ? this.mounted : this.held, event.size);
    else if (event.type === "already-there") this.nothingToDo = true;
  }
}

function count(into: BlobCount, size: number): void {
  into.blobs += 1;
  into.bytes += Math.max(0, size);
}

/** One line: bytes moved, mounted and already there, requests, retries, time. */
export function formatSummary(totals: CopyTotals, traffic: Traffic, seconds: number): string {
  const { moved, mounted, held } = totals;
  const blobs = totals.nothingToDo
    ? "Already there, nothing copied"
    : [
        `Copied ${part(moved)}`,
        ...(mounted.blobs > 0 ? [`mounted ${part(mounted)}`] : []),
        ...(held.blobs > 0 ? [`${part(held)} already there`] : []),
      ].join(", ");
  const requests =
    traffic.requests > 0
      ? `; ${plural(traffic.requests, "request")}, ${plural(traffic.retries, "retry", "retries")}`
      : "";
  return `${blobs}${requests} in ${formatSeconds(seconds)}`;
}

function part({ blobs, bytes }: BlobCount): string {
  return `${plural(blobs, "blob")} (${formatBytes(bytes)})`;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `36.2 MiB`: three or four digits and a unit of 1024s. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `4.2s`, `3m05s`, `2h10m`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}
