const minute = 60;
const hour = 60 * minute;

/** How long ago, roughly, as docker and podman tell it: `2 weeks`. */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / minute);
  const hours = Math.floor(seconds / hour + 0.5);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < minute) return `${seconds} seconds`;
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 14) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 60) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(seconds / hour / 24 / 365)} years`;
}

const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/** A size in units of a thousand, to so many digits: `["17.3", "kB"]`. */
export function humanSize(bytes: number, digits: number): readonly [number: string, unit: string] {
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return [String(Number(size.toPrecision(digits))), units[unit] ?? ""];
}
