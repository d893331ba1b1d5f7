const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ["\\", "\\\\"],
]);

function quoteCharacter(character: string, quote: string): string {
  if (character === quote) return `\\${quote}`;
  const escaped = ESCAPES.get(character);
  if (escaped !== undefined) return escaped;
  const code = character.codePointAt(0) ?? 0;
  if (isPrintable(character, code)) return character;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code >= 0xd800 && code < 0xe000) return "\ufffd"; // half a pair: no such thing in UTF-8
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

/** Unicode's classes are compiled, which takes milliseconds, for what is not ASCII alone. */
function isPrintable(character: string, code: number): boolean {
  if (code < 0x80) return code >= 0x20 && code !== 0x7f;
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character);
}

/** `text` as Go's `%q` writes it: in double quotes, with everything unprintable escaped. */
export function goQuote(text: string): string {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`; // ASCII with nothing to escape
  return `"${Array.from(text, (character) => quoteCharacter(character, '"')).join("")}"`;
}

/** `text` as Go's `%+q`: like {@link goQuote}, and ASCII only. */
export function goQuoteAscii(text: string): string {
  return goQuote(text).replace(/[^\x00-\x7f]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const [mark, digits] = code < 0x10000 ? ["u", 4] : ["U", 8];
    return `\\${mark}${code.toString(16).padStart(digits, "0")}`;
  });
}

/** One character as Go's `%q` writes a rune: in single quotes. */
export function goQuoteRune(character: string): string {
  return `'${quoteCharacter(character, "'")}'`;
}

/** `text` as Go's `%#q`: in back quotes where they can hold it, else as {@link goQuote}. */
export function goQuoteBack(text: string): string {
  const fits = !/[`\ufeff]/.test(text) && Array.from(text).every((c) => c === "\t" || isPlain(c));
  return fits ? `\`${text}\`` : goQuote(text);
}

function isPlain(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return code >= 0x20 && code !== 0x7f;
}

/** Makes text from outside safe to print on a terminal: control characters are shown, not obeyed. */
export function escapeControls(text: string): string {
  return text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, (c) =>
    c === "\t" ? c : quoteCharacter(c, ""),
  );
}
