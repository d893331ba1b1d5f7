const units = ["B", "kB", "MB", "GB", "TB"] as const;

/** Bytes for people: `12.3 MB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A length of time for people: `1 h 4 min`, `3.2 s`. */
export function duration(ms: number): string {
  if (ms < 10_000) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60)
    return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** When that was or will be: `3 min ago`, `in 2 h 1 min`. */
export function relative(at: number, now: number): string {
  const distance = at - now;
  if (Math.abs(distance) < 5000) return "just now";
  const length = roughly(Math.abs(distance));
  return distance > 0 ? `in ${length}` : `${length} ago`;
}

/** The longer ago, the rougher. */
function roughly(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 2) return duration(Math.round(ms / 1000) * 1000).replace(".0 s", " s");
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}

/** The whole of a time, for titles. */
export function exactTime(at: number): string {
  return new Date(at)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, " UTC");
}

/** A digest's first characters, enough to tell two apart. */
export function shortDigest(digest: string): string {
  return digest.replace(/^(\w+:[0-9a-f]{12})[0-9a-f]+$/, "$1…");
}

/** An image without its transport, where that is the usual one. */
export function imageName(text: string): string {
  return text.replace(/^docker:\/\//, "").replace(/@(\w+:[0-9a-f]{12})[0-9a-f]+$/, "@$1…");
}

/** `1 image`, `2 images`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
