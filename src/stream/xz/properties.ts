import { invalid } from "./errors.ts";

/** How LZMA chooses its models: by bits of the byte before a literal, of its position, and of a match's position. */
export interface LzmaProperties {
  readonly literalContext: number;
  readonly literalPosition: number;
  readonly position: number;
}

/**
 * Reads them from one number of three digits, of 9, 5 and 5 values each.
 *
 * @throws {ContentError} `content.bad-compression` for what LZMA2 does not have
 */
export function parseProperties(code: number): LzmaProperties {
  if (code >= 9 * 5 * 5) throw invalid("lzma: invalid properties code");
  const literalContext = code % 9;
  const literalPosition = Math.trunc(code / 9) % 5;
  const position = Math.trunc(code / 45);
  if (literalContext + literalPosition > 4) throw invalid("lzma: sum of lc and lp exceeds 4");
  return { literalContext, literalPosition, position };
}

/** Whether they choose the same models. */
export function isSame(one: LzmaProperties, other: LzmaProperties): boolean {
  return (
    one.literalContext === other.literalContext &&
    one.literalPosition === other.literalPosition &&
    one.position === other.position
  );
}
