import { startWriting, writeBits, writeToByte, writtenBytes } from "./bit-writer";
import { writeBlock } from "./block";
import { content, dictionaryBytes, mostContentBytes, packed } from "./layout";
import { addSequence, forgetSequences, sequencesFull } from "./sequences";

// Matches are found by two tables: of where the same seven bytes stood last, and the time before, and of where the same four
// did. The first finds long matches, at once; the second is asked where it finds none.

const fourBits: u32 = 14;
const sevenBits: u32 = 14;
const fours = memory.data(4 << 14, 16);
const sevens = memory.data(8 << 14, 16);

/** A match of this length is not given up for one that begins a byte later. */
const niceLength: u32 = 24;

/** The longest match, and one whose distance costs more than its literals from where on. */
const mostLength: u32 = 258;
const farForFour: u32 = 16384;

/** Where nothing was found for long, fewer positions are looked at: so many are left out at most. */
const mostSkipped: usize = 15;

/** Blocks are no longer, so that their codes fit where there are few matches. */
const mostBlockBytes: u32 = 131072;

/** Positions in the tables go on from call to call, and nothing of an earlier call is near enough: so they need no clearing. */
let base: u32 = 0;
const callDistance: u32 = mostContentBytes + 3 * dictionaryBytes;

/** What stands in the tables less the address it means. */
let offset: u32 = 0;

/** Where what may be referred to begins, and where the content ends. */
let start: usize = 0;
let end: usize = 0;

/** Where the content is to be put; what came before it right before. */
export function contentAt(): usize {
  return content;
}

/** Where the result is. */
export function packedAt(): usize {
  return packed;
}

/**
 * Deflates what is at {@link contentAt} into {@link packedAt}, as blocks of which none is the last, up to a whole byte
 * (an empty stored block ends them): pieces that were packed one by one make one stream.
 *
 * @param before bytes right before the content that the reader has: up to 32768
 * @param length of the content in bytes: up to 524288
 * @returns the length of the result
 */
export function deflate(before: u32, length: u32): u32 {
  start = content - before;
  end = content + length;
  nextCall();
  startWriting();
  forgetSequences();
  for (let position = start; position + 8 < content; position += 2) remember(position);
  writeContent();
  writeBits(0, 3);
  writeToByte();
  writeBits(0xffff0000, 32);
  return writtenBytes();
}

function nextCall(): void {
  base += callDistance;
  if (base > 0x7fffffff) {
    memory.fill(fours, 0, 4 << fourBits);
    memory.fill(sevens, 0, 8 << sevenBits);
    base = callDistance;
  }
  offset = base - (content as u32);
}

function writeContent(): void {
  const limit = end - content > 12 ? end - 12 : content; // eight bytes can be read from where one looks
  let position = content;
  let written = content;
  let blockStart = content;
  while (position < limit) {
    const match = findMatch(position);
    if (match === 0) {
      position += 1 + min<usize>(mostSkipped, (position - written) >>> 8);
      continue;
    }
    written = writeMatch(match, position, written, limit);
    position = written;
    if (sequencesFull() || written - blockStart >= mostBlockBytes) {
      writeBlock(blockStart, written);
      blockStart = written;
    }
  }
  if (written < end) addSequence(written, end, 0, 1);
  if (blockStart < end) writeBlock(blockStart, end);
}

/**
 * Adds the literals from `written` on and the match that was found at `position`, or one that begins a byte later and is longer.
 *
 * @returns where it ends
 */
function writeMatch(found: u32, position: usize, written: usize, limit: usize): usize {
  let match = found;
  let first = position;
  let known = position;
  if (lengthOf(match) < niceLength) {
    known++;
    const later = findMatch(known);
    if (lengthOf(later) > lengthOf(match)) {
      match = later;
      first = known;
    }
  }
  const next = first + lengthOf(match);
  const stop = min<usize>(next, limit);
  for (let inside = known + 1; inside < stop; inside++) remember(inside);
  first = firstOf(match, first, written);
  addSequence(written, first, (next - first) as u32, distanceOf(match));
  return next;
}

function lengthOf(match: u32): u32 {
  return match >>> 16;
}

function distanceOf(match: u32): u32 {
  return match & 0xffff;
}

/** Where the match begins if it is made longer at its front: not before `least`. */
function firstOf(match: u32, position: usize, least: usize): usize {
  const distance: usize = distanceOf(match);
  const end = position + lengthOf(match);
  let first = position;
  while (
    first > least &&
    first - distance > start &&
    end - first < mostLength &&
    load<u8>(first - 1) === load<u8>(first - 1 - distance)
  ) {
    first--;
  }
  return first;
}

function fourEntry(bytes: u64): usize {
  const hash = ((bytes as u32) * 0x9e3779b1) >>> (32 - fourBits);
  return fours + ((hash as usize) << 2);
}

function sevenEntry(bytes: u64): usize {
  const hash = ((bytes << 8) * 0x1e3779b97f4a7d) >>> (64 - sevenBits);
  return sevens + ((hash as usize) << 3);
}

function remember(position: usize): void {
  const bytes = load<u64>(position);
  const now = (position as u32) + offset;
  const seven = sevenEntry(bytes);
  store<u32>(seven, load<u32>(seven), 4);
  store<u32>(seven, now);
  store<u32>(fourEntry(bytes), now);
}

/** The longest match that the tables know, as its length and, below that (16 bits), its distance: 0 for none. Remembers the position. */
function findMatch(position: usize): u32 {
  const bytes = load<u64>(position);
  const now = (position as u32) + offset;
  const four = fourEntry(bytes);
  const seven = sevenEntry(bytes);
  const last = now - load<u32>(seven);
  const before = now - load<u32>(seven, 4);
  const near = now - load<u32>(four);
  store<u32>(seven, now - last, 4);
  store<u32>(seven, now);
  store<u32>(four, now);
  let match = longerMatch(0, position, last);
  match = longerMatch(match, position, before);
  if (match !== 0) return match;
  match = longerMatch(0, position, near);
  return lengthOf(match) === 4 && near > farForFour ? 0 : match;
}

/** `match`, or the one at this distance where that is longer. */
function longerMatch(match: u32, position: usize, distance: u32): u32 {
  if (distance > dictionaryBytes) return match;
  const earlier = position - distance;
  if (load<u32>(earlier) !== load<u32>(position)) return match;
  const length = commonLength(earlier, position);
  return length > lengthOf(match) ? (length << 16) | distance : match;
}

/** How many bytes are the same at both: four are. */
function commonLength(earlier: usize, position: usize): u32 {
  const most = min<u32>(mostLength, (end - position) as u32);
  let length: u32 = 4;
  for (; length + 8 <= most; length += 8) {
    const differing = load<u64>(earlier + length) ^ load<u64>(position + length);
    if (differing !== 0) return length + ((ctz(differing) >>> 3) as u32);
  }
  while (length < most && load<u8>(earlier + length) === load<u8>(position + length)) length++;
  return length;
}
