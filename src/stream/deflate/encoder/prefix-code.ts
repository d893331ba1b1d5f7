import { at, increment, put } from "./layout";

/** The symbols that occur, the rarest first: how often, and below that (9 bits) which one. */
const order = memory.data(4 * 288, 16);

/** Sums of how often, then indexes of parents, then depths: of what `order` has at the same index. */
const nodes = memory.data(4 * 288, 16);

/** How many codes have each length; then the next code of each. */
const counts = memory.data(4 * 64, 16);
const nextCodes = memory.data(4 * 16, 16);

/**
 * Lengths of the codes that make the shortest whole, by symbol, 0 for those that do not occur.
 *
 * @param frequencies how often each symbol occurs, under 2^23
 * @param longest no code is longer than this
 * @param lengths where they go, a byte each. There are at least two codes: some readers demand that
 */
export function chooseLengths(
  frequencies: usize,
  symbols: u32,
  longest: u32,
  lengths: usize,
): void {
  memory.fill(lengths, 0, symbols);
  let used: u32 = 0;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const frequency = at(frequencies, symbol);
    if (frequency > 0) put(order, used++, (frequency << 9) | symbol);
  }
  if (used < 2) {
    const only: u32 = used === 1 ? at(order, 0) & 511 : 0;
    store<u8>(lengths + only, 1);
    store<u8>(lengths + (only === 0 ? 1 : 0), 1);
    return;
  }
  sortOrder(used);
  for (let i: u32 = 0; i < used; i++) put(nodes, i, at(order, i) >>> 9);
  joinNodes(used);
  sinkNodes(used);
  limitLengths(used, longest);
  let i: u32 = 0;
  for (let length = longest; length > 0; length--) {
    for (let left = at(counts, length); left > 0; left--) {
      store<u8>(lengths + (at(order, i++) & 511), length as u8);
    }
  }
}

/** Shell's sort. */
function sortOrder(used: u32): void {
  for (let gap: u32 = 40; gap > 0; gap /= 3) {
    for (let i = gap; i < used; i++) {
      const moved = at(order, i);
      let to = i;
      for (; to >= gap && at(order, to - gap) > moved; to -= gap) {
        put(order, to, at(order, to - gap));
      }
      put(order, to, moved);
    }
  }
}

// Moffat and Katajainen, "In-Place Calculation of Minimum-Redundancy Codes" (1995): the tree is built in the array of the
// frequencies, and what was used of it holds the tree.

/** Joins the two rarest until one is left: each of `nodes` is then its parent's index. */
function joinNodes(used: u32): void {
  let leaf: u32 = 0;
  let inner: u32 = 0;
  for (let joined: u32 = 0; joined < used - 1; joined++) {
    let sum: u32 = 0;
    for (let child = 0; child < 2; child++) {
      if (leaf >= used || (inner < joined && at(nodes, inner) < at(nodes, leaf))) {
        sum += at(nodes, inner);
        put(nodes, inner++, joined);
      } else sum += at(nodes, leaf++);
    }
    put(nodes, joined, sum);
  }
}

/** Turns parents into depths: of inner nodes from the root on, and from how many there are at each, of the leaves. */
function sinkNodes(used: u32): void {
  put(nodes, used - 2, 0);
  for (let i: i32 = used - 3; i >= 0; i--) put(nodes, i, at(nodes, at(nodes, i)) + 1);
  let inner: i32 = used - 2;
  let leaf: i32 = used - 1;
  for (let depth: u32 = 0, room: i32 = 1; room > 0; depth++) {
    let taken: i32 = 0;
    for (; inner >= 0 && at(nodes, inner) === depth; inner--) taken++;
    for (; room > taken; room--) put(nodes, leaf--, depth);
    room = 2 * taken;
  }
}

/** Counts the lengths, too long ones as `longest`, and lengthens others until all the codes have room again. */
function limitLengths(used: u32, longest: u32): void {
  memory.fill(counts, 0, 4 * 64);
  for (let i: u32 = 0; i < used; i++) increment(counts, min<u32>(at(nodes, i), longest));
  let room: i32 = 1 << longest;
  for (let length: u32 = 1; length <= longest; length++) {
    room -= at(counts, length) << (longest - length);
  }
  for (; room < 0; room++) {
    let length = longest - 1;
    while (at(counts, length) === 0) length--;
    put(counts, length, at(counts, length) - 1);
    put(counts, length + 1, at(counts, length + 1) + 2);
    put(counts, longest, at(counts, longest) - 1);
  }
}

/**
 * The codes of these lengths — RFC 1951 § 3.2.2 — with their first bit lowest.
 *
 * @param codes where they go: the code, and above its 16 bits how many there are
 */
export function assignCodes(lengths: usize, symbols: u32, codes: usize): void {
  memory.fill(counts, 0, 4 * 64);
  for (let symbol: u32 = 0; symbol < symbols; symbol++)
    increment(counts, load<u8>(lengths + symbol));
  put(counts, 0, 0);
  let code: u32 = 0;
  for (let length: u32 = 1; length < 16; length++) {
    code = (code + at(counts, length - 1)) << 1;
    put(nextCodes, length, code);
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length: u32 = load<u8>(lengths + symbol);
    if (length === 0) continue;
    const own = at(nextCodes, length);
    put(nextCodes, length, own + 1);
    put(codes, symbol, reversed(own, length) | (length << 16));
  }
}

function reversed(code: u32, length: u32): u32 {
  let bits: u32 = 0;
  for (let i: u32 = 0; i < length; i++) bits |= ((code >>> i) & 1) << (length - 1 - i);
  return bits;
}
