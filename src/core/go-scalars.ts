import { ContentError } from "./errors.ts";
import { goString } from "./go-json.ts";
import { isUnwritableTime, readTime, zeroTime } from "./go-time.ts";
import type { GoType } from "./go-type.ts";
import { type JsonNode, JsonNumber, JsonObject } from "./json-text.ts";

/** string. */
export const goText: GoType<string> = {
  name: "string",
  zero: "",
  read(node, current, reading) {
    if (typeof node === "string") return node;
    if (node !== null) reading.mismatch(node, this.name);
    return current;
  },
  write: (value) => goString(value),
  isEmpty: (value) => value === "",
};

/** A string type of its own name, which only error texts show. */
export function namedText(name: string): GoType<string> {
  return { ...goText, name };
}

/** bool. */
export const goBool: GoType<boolean> = {
  name: "bool",
  zero: false,
  read(node, current, reading) {
    if (typeof node === "boolean") return node;
    if (node !== null) reading.mismatch(node, this.name);
    return current;
  },
  write: String,
  isEmpty: (value) => !value,
};

const int64Bounds = [-(2n ** 63n), 2n ** 63n - 1n] as const;

/** int64, exact. */
export const goInt: GoType<bigint> = {
  name: "int64",
  zero: 0n,
  read(node, current, reading) {
    if (node === null) return current;
    if (!(node instanceof JsonNumber)) {
      reading.mismatch(node, this.name);
      return current;
    }
    const value = /^-?\d{1,19}$/.test(node.text) ? BigInt(node.text) : undefined;
    if (value !== undefined && value >= int64Bounds[0] && value <= int64Bounds[1]) return value;
    reading.mismatch(node, this.name, node.text);
    return current;
  },
  write: String,
  isEmpty: (value) => value === 0n,
};

/** An integer type of its own name, which only error texts show. */
export function namedInt(name: string): GoType<bigint> {
  return { ...goInt, name };
}

/** time.Time, as the text that Go writes. */
export const goTime: GoType<string> = {
  name: "time.Time",
  zero: zeroTime,
  read(node, current, reading) {
    if (node === null) return current;
    if (typeof node !== "string") {
      reading.fail("Time.UnmarshalJSON: input is not a JSON string");
      return current;
    }
    const read = readTime(node);
    if ("time" in read) return read.time;
    reading.fail(read.failure);
    return current;
  },
  write(value) {
    if (!isUnwritableTime(value)) return goString(value);
    throw new ContentError(
      "content.bad-config",
      "json: error calling MarshalJSON for type *time.Time: Time.MarshalJSON: timezone hour outside of range [0,23]",
    );
  },
  isEmpty: () => false,
};

/** []byte: base64 in JSON, kept as canonical base64. */
export const goBytes: GoType<string | null> = {
  name: "[]uint8",
  zero: null,
  read(node, current, reading) {
    if (node === null) return null;
    if (typeof node !== "string") {
      reading.mismatch(node, this.name);
      return current;
    }
    const text = node.replace(/[\r\n]/g, "");
    if (/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
      return Buffer.from(text, "base64").toString("base64");
    }
    reading.fail("illegal base64 data");
    return current;
  },
  write: (value) => (value === null ? "null" : goString(value)),
  isEmpty: (value) => value === null || value === "",
};

/** struct{}: the values of a map that is used as a set. */
export const goUnit: GoType<true> = {
  name: "struct {}",
  zero: true,
  read(node, current, reading) {
    if (node !== null && !(node instanceof JsonObject)) reading.mismatch(node, this.name);
    return current;
  },
  write: () => "{}",
  isEmpty: () => false,
};

/** interface{}: whatever is there. It is read only to see that something is. */
export const goAny: GoType<JsonNode> = {
  name: "interface {}",
  zero: null,
  read: (node) => node,
  write: () => {
    throw new TypeError("An untyped value is not written");
  },
  isEmpty: (value) => value === null,
};
