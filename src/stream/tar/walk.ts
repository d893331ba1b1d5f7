import { ContentError } from "../../core/errors.ts";
import { paddingOf } from "./builder.ts";
import { invalidHeader, stringField } from "./fields.ts";
import { blockSize, parseHeader, payloadSize, type TarHeader } from "./header.ts";
import { type PaxRecords, parsePaxRecords, withPaxRecords } from "./pax.ts";

/** The bytes of a tar, one after the other. */
export interface TarInput {
  /** Where the next byte stands, from 0. */
  readonly position: number;
  /** The next `length` bytes in memory of their own, fewer at the end. */
  read(length: number): Promise<Buffer>;
  /** Passes over as many bytes, fewer at the end. Gives how many. */
  skip(length: number): Promise<number>;
}

/** As much as Go reads of one extended header. */
const maxExtensionBytes = 1024 * 1024;

/** What a tar that ends too early is told with: Go's words. */
export function unexpectedEnd(): ContentError {
  return new ContentError("content.bad-tar", "unexpected EOF");
}

/**
 * The next entry's header, with all that extended headers say of it; `input` then stands at the payload. Undefined at the
 * end: two blocks of zeros, or that nothing more comes.
 *
 * @throws {ContentError} `content.bad-tar`
 */
export async function nextHeader(input: TarInput): Promise<TarHeader | undefined> {
  let extensions = new Extensions();
  for (;;) {
    const block = await nextBlock(input);
    if (!block) return undefined;
    const header = parseHeader(block);
    if (isExtension(header.type)) {
      const body = await readExtension(input, header);
      if (header.type === "g")
        extensions = new Extensions(); // what was pending is lost, as in Go
      else extensions.add(header.type, body);
      continue;
    }
    const whole = extensions.applyTo(header);
    if (!Number.isSafeInteger(whole.size) || whole.size < 0) throw invalidHeader();
    if (header.type === "S") await skipSparseMap(input, block);
    return whole;
  }
}

/**
 * Passes over what is left of an entry's payload, all of it unless told, to the next header.
 *
 * @throws {ContentError} `content.bad-tar` where the tar ends before the payload does
 */
export async function skipPayload(
  input: TarInput,
  header: TarHeader,
  left: number = payloadSize(header),
): Promise<void> {
  const size = payloadSize(header);
  if ((await input.skip(left)) < left) throw unexpectedEnd();
  await input.skip(paddingOf(size).byteLength); // missing at the end of some archives: Go does not mind
}

async function nextBlock(input: TarInput): Promise<Buffer | undefined> {
  const block = await wholeBlock(input);
  if (!block || !isZero(block)) return block;
  const second = await wholeBlock(input);
  if (second && !isZero(second)) throw invalidHeader();
  return undefined;
}

async function wholeBlock(input: TarInput): Promise<Buffer | undefined> {
  const block = await input.read(blockSize);
  if (block.byteLength === 0) return undefined;
  if (block.byteLength < blockSize) throw unexpectedEnd();
  return block;
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

function isExtension(type: string): boolean {
  return type === "x" || type === "g" || type === "L" || type === "K";
}

async function readExtension(input: TarInput, { size }: TarHeader): Promise<Buffer> {
  if (size < 0 || size > maxExtensionBytes) {
    throw new ContentError("content.bad-tar", "archive/tar: header field too long");
  }
  const body = await input.read(size);
  if (body.byteLength < size) throw unexpectedEnd();
  await input.skip(paddingOf(size).byteLength);
  return body;
}

/** GNU's sparse files have their map behind the header, in as many blocks as it takes — GNU tar's manual § Sparse. */
async function skipSparseMap(input: TarInput, header: Buffer): Promise<void> {
  let more = header[482] === 1;
  while (more) {
    const block = await input.read(blockSize);
    if (block.byteLength < blockSize) throw unexpectedEnd();
    more = block[504] === 1;
  }
}

/** What extended headers have said since the last entry. */
class Extensions {
  #pax: PaxRecords | undefined;
  #name: string | undefined;
  #linkName: string | undefined;

  add(type: string, body: Buffer): void {
    if (type === "x") this.#pax = parsePaxRecords(body);
    if (type === "L") this.#name = stringField(body, 0, body.byteLength);
    if (type === "K") this.#linkName = stringField(body, 0, body.byteLength);
  }

  applyTo(header: TarHeader): TarHeader {
    const named = this.#pax ? withPaxRecords(header, this.#pax) : header;
    const rawName = this.#name || named.rawName;
    const whole = { ...named, rawName, rawLinkName: this.#linkName || named.rawLinkName };
    if (header.type !== "\0") return whole;
    return { ...whole, type: rawName.endsWith("/") ? "5" : "0" };
  }
}
