const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** Go's zero time, which stands for "no time" wherever a time may not be left out. */
export const zeroTime = "0001-01-01T00:00:00Z";

/**
 * An RFC 3339 time as Go reads and writes it again: at most nine decimals, no trailing zeros among them, `Z` for no
 * offset. Undefined where Go would not read it.
 */
export function normalizeTime(text: string): string | undefined {
  const match = rfc3339.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction = "", sign = "+", hours, minutes] =
    match;
  const inRange =
    isDay(Number(year), Number(month), Number(day)) &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60 &&
    Number(hours ?? 0) < 24 &&
    Number(minutes ?? 0) < 60;
  if (!inRange) return undefined;
  const decimals = fraction.slice(0, 9).replace(/0+$/, "");
  const offset =
    Number(hours ?? 0) + Number(minutes ?? 0) === 0 ? "Z" : `${sign}${hours}:${minutes}`;
  const point = decimals === "" ? "" : ".";
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${point}${decimals}${offset}`;
}

function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return day <= (days[month - 1] ?? 0);
}
