// pattern = *( "*" / "?" / "[" [ "^" ] 1*range "]" / character )     "*" and "?" stand for no slash
// range   = character [ "-" character ]                                in a class no bare "-" or "]"
// character = any but the above, or "\" any

const piece = /\*|\?|\[(\^?)((?:(?:\\.|[^\\\]-])(?:-(?:\\.|[^\\\]-]))?)+)\]|\\(.)|([^\\[])/gsuy;

/** What Go's path.Match takes; undefined for a pattern that it refuses. */
export function parseGoGlob(pattern: string): RegExp | undefined {
  let source = "";
  let end = 0;
  for (const [whole, not, ranges, escaped, plain] of pattern.matchAll(piece)) {
    end += whole.length;
    if (whole === "*") source += "[^/]*";
    else if (whole === "?") source += "[^/]";
    else if (ranges !== undefined) source += classOf(ranges, not === "^");
    else source += RegExp.escape(escaped ?? plain ?? "");
  }
  return end === pattern.length ? new RegExp(`^${source}$`, "su") : undefined;
}

/** A range whose end comes before its beginning has nothing in it. */
function classOf(ranges: string, not: boolean): string {
  const parts = [...ranges.matchAll(/\\?(.)(?:-\\?(.))?/gsu)].flatMap(([, from = "", to = from]) =>
    from <= to ? [`${RegExp.escape(from)}-${RegExp.escape(to)}`] : [],
  );
  return `[${not ? "^" : ""}${parts.join("")}]`;
}
