import { UsageError } from "../../core/errors.ts";
import type { HostLimits } from "../../sync/coordinator.ts";
import type { HostSettings } from "../../sync/host-settings.ts";
import type { FlagValues } from "../flags.ts";

const units: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** What hosts may be asked: as a file says, and no more than the flags allow. @throws {UsageError} `usage.bad-flag` */
export function hostLimits(
  flags: FlagValues,
  hosts: ReadonlyMap<string, HostSettings>,
): (host: string) => HostLimits {
  const requests = flags.number("max-requests-per-second") || undefined;
  const bytes = sizeOf(flags.string("max-bytes-per-second"));
  return (host) => {
    const { requestsPerSecond, bytesPerSecond, ...others } = hosts.get(host)?.limits ?? {};
    const perSecond = {
      requestsPerSecond: least(requestsPerSecond, requests),
      bytesPerSecond: least(bytesPerSecond, bytes),
    };
    const given = Object.entries(perSecond).filter(([, value]) => value !== undefined);
    return { ...others, ...Object.fromEntries(given) };
  };
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}

function sizeOf(text: string): number | undefined {
  if (text === "") return undefined;
  const [, number, unit = ""] = /^(\d{1,9}(?:\.\d{1,3})?) ?([A-Za-z]*)$/.exec(text) ?? [];
  const bytes = Number(number) * (units[unit] ?? Number.NaN);
  if (bytes > 0) return Math.ceil(bytes);
  throw new UsageError(
    "usage.bad-flag",
    `invalid --max-bytes-per-second "${text}": expected a size such as 50MB or 4MiB`,
  );
}
