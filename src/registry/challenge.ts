/** One challenge of a `WWW-Authenticate` header — RFC 9110 § 11.6.1. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case; the first of each name counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/*
 * challenges = challenge *( "," challenge )
 * challenge  = scheme [ 1*SP ( token68 / parameter *( "," parameter ) ) ]
 * parameter  = token *SP "=" *SP ( token / quoted-string )
 *
 * Registries are careless with it: bare values with slashes and colons, missing commas, trailing ones. So a word is
 * a parameter where "=" follows, and else begins a new challenge.
 */
const word = /[^\s,="]+/y;
const spaces = /[\s,]*/y;
const equals = /\s*=(?!=*\s*(?:,|$))\s*/y;
const padding = /=+/y;
const quotedValue = /"((?:[^"\\]|\\.)*)"?/sy;
const bareValue = /[^\s,]*/y;

/** Every challenge of all `WWW-Authenticate` lines, in order. What does not parse is passed over. */
export function parseChallenges(lines: readonly string[]): readonly Challenge[] {
  return lines.flatMap(parseLine);
}

function parseLine(line: string): Challenge[] {
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(line);
    if (match) at = pattern.lastIndex;
    return match;
  };
  while (at < line.length) {
    take(spaces);
    const name = take(word)?.[0];
    if (name === undefined) {
      at++;
    } else if (take(equals)) {
      const value = take(quotedValue)?.[1]?.replace(/\\(.)/gs, "$1") ?? take(bareValue)?.[0] ?? "";
      setFirst(found.at(-1)?.parameters, name.toLowerCase(), value);
    } else if (take(padding) === null) {
      found.push({ scheme: name.toLowerCase(), parameters: new Map() });
    }
  }
  return found;
}

function setFirst(map: Map<string, string> | undefined, name: string, value: string): void {
  if (map && !map.has(name)) map.set(name, value);
}
