import { randomBytes } from "node:crypto";

const digits = "0123456789abcdefghjkmnpqrstvwxyz";

/**
 * A new job's id: 26 letters and digits, of which the first ten are the time, so that ids sort by it.
 *
 * @param now milliseconds since the epoch
 */
export function createJobId(now: number): string {
  let time = "";
  for (let rest = Math.trunc(now), n = 0; n < 10; n++, rest = Math.floor(rest / 32)) {
    time = digits[rest % 32] + time;
  }
  return time + Array.from(randomBytes(16), (byte) => digits[byte % 32]).join("");
}
