import { DistanceDecoder } from "./distance-decoder.ts";
import { LengthDecoder } from "./length-decoder.ts";
import { LiteralDecoder } from "./literal-decoder.ts";
import type { LzmaProperties } from "./properties.ts";
import { forget, type RangeDecoder, unbiased } from "./range-decoder.ts";
import type { Window } from "./window.ts";

/** What came last, from 0 for literals only; below this it was a literal. */
const literalStates = 7;
const states = 12;
const places = 16;

/** The state behind each kind of thing, by whether a literal came before it. */
const afterMatch = [7, 10] as const;
const afterRepeat = [8, 11] as const;
const afterShort = [9, 11] as const;

/** Decodes LZMA's literals and matches: all that it learned, and how it goes on from one chunk to the next. */
export class LzmaDecoder {
  readonly properties: LzmaProperties;
  readonly #placeMask: number;
  readonly #isMatch = unbiased(states * places);
  readonly #isRepeat = unbiased(states);
  readonly #isOther = unbiased(states);
  readonly #isOlder = unbiased(states);
  readonly #isOldest = unbiased(states);
  readonly #isLong = unbiased(states * places);
  readonly #literals: LiteralDecoder;
  readonly #distances = new DistanceDecoder();
  readonly #matchLengths = new LengthDecoder();
  readonly #repeatLengths = new LengthDecoder();
  #state = 0;
  /** The last four distances, the newest first. */
  #distance = 0;
  #second = 0;
  #third = 0;
  #fourth = 0;
  /** How much of a match there was no room for. */
  #left = 0;

  constructor(properties: LzmaProperties) {
    this.properties = properties;
    this.#placeMask = (1 << properties.position) - 1;
    this.#literals = new LiteralDecoder(properties);
  }

  /** Begins anew, with the same properties. */
  reset(): void {
    [this.#isMatch, this.#isRepeat, this.#isOther, this.#isOlder].forEach(forget);
    [this.#isOldest, this.#isLong].forEach(forget);
    this.#literals.reset();
    this.#distances.reset();
    this.#matchLengths.reset();
    this.#repeatLengths.reset();
    this.#state = 0;
    this.#distance = 0;
    this.#second = 0;
    this.#third = 0;
    this.#fourth = 0;
  }

  /** Whether a match stands that there was no room for. */
  get isInside(): boolean {
    return this.#left > 0;
  }

  /** Decodes until the window has no more room. @throws {ContentError} where a match reaches back too far */
  run(range: RangeDecoder, window: Window): void {
    if (this.#left > 0) this.#left = window.repeat(this.#distance, this.#left);
    while (!window.isFull) {
      const place = window.position & this.#placeMask;
      const at = this.#state * places + place;
      if (range.bit(this.#isMatch, at) === 0) this.#literal(range, window);
      else if (range.bit(this.#isRepeat, this.#state) === 0) this.#match(range, window, place);
      else this.#repeat(range, window, place);
    }
  }

  #literal(range: RangeDecoder, window: Window): void {
    const state = this.#state;
    if (state < literalStates) {
      this.#literals.read(range, window);
      this.#state = state < 4 ? 0 : state - 3;
    } else {
      this.#literals.readAfterMatch(range, window, window.back(this.#distance));
      this.#state = state < 10 ? state - 3 : state - 6;
    }
  }

  #match(range: RangeDecoder, window: Window, place: number): void {
    this.#fourth = this.#third;
    this.#third = this.#second;
    this.#second = this.#distance;
    this.#become(afterMatch);
    const length = this.#matchLengths.read(range, place);
    this.#distance = this.#distances.read(range, length);
    this.#left = window.repeat(this.#distance, length);
  }

  #repeat(range: RangeDecoder, window: Window, place: number): void {
    const state = this.#state;
    if (range.bit(this.#isOther, state) === 1) {
      this.#recall(range, state);
    } else if (range.bit(this.#isLong, state * places + place) === 0) {
      this.#become(afterShort);
      this.#left = window.repeat(this.#distance, 1);
      return;
    }
    this.#become(afterRepeat);
    this.#left = window.repeat(this.#distance, this.#repeatLengths.read(range, place));
  }

  /** Takes one of the older distances, which becomes the newest. */
  #recall(range: RangeDecoder, state: number): void {
    let distance = this.#second;
    if (range.bit(this.#isOlder, state) === 1) {
      distance = this.#third;
      if (range.bit(this.#isOldest, state) === 1) {
        distance = this.#fourth;
        this.#fourth = this.#third;
      }
      this.#third = this.#second;
    }
    this.#second = this.#distance;
    this.#distance = distance;
  }

  #become([afterLiteral, afterOther]: readonly [number, number]): void {
    this.#state = this.#state < literalStates ? afterLiteral : afterOther;
  }
}
