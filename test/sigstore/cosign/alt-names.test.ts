import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAltNames } from "../../../sigstore/cosign/alt-names.ts";
import { DerError } from "../../../sigstore/cosign/der.ts";
import { der, sequence } from "../../support/der.ts";

const name = (tag: number, ...bytes: readonly (string | number)[]) =>
  der(tag, Buffer.concat(bytes.map((one) => Buffer.from(typeof one === "string" ? one : [one]))));

test("names of the four kinds are told apart, and others passed over", () => {
  const names = parseAltNames(
    sequence(
      name(0x81, "a@b", 0x7f),
      name(0x82, "h.example"),
      name(0x86, "https://u"),
      name(0x87, 1, 2, 3, 4),
      name(0x87, ..."::1".padEnd(16, "x")),
      name(0xa0, 0xff),
      name(0x81, "c@d"),
    ),
  );
  assert.deepEqual(
    { ...names, addresses: names.addresses.map(({ length }) => length) },
    {
      emails: ["a@b\x7f", "c@d"],
      dnsNames: ["h.example"],
      uris: ["https://u"],
      addresses: [4, 16],
    },
  );
});

test("a name that is not ASCII, and an address of another length, refuse all", () => {
  for (const tag of [0x81, 0x82, 0x86]) {
    assert.throws(() => parseAltNames(sequence(name(tag, "a", 0x80))), DerError);
    assert.throws(() => parseAltNames(sequence(name(tag, "é@b"))), DerError);
  }
  for (const length of [0, 3, 5, 8, 15, 17]) {
    const address = der(0x87, Buffer.alloc(length));
    assert.throws(() => parseAltNames(sequence(address)), DerError);
    assert.throws(() => parseAltNames(sequence(name(0x87, 1, 2, 3, 4), address)), DerError);
  }
});
