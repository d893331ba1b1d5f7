import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCertificate } from "../../../sigstore/cosign/certificate.ts";
import { DerReader, derTags, readDer } from "../../../sigstore/cosign/der.ts";
import {
  altNames,
  extension,
  extKeyUsage,
  keyUsage,
  makeCertificate,
  usages,
} from "../../support/certificates.ts";
import { bits, bool, der, integer, oid, sequence, time, utf8 } from "../../support/der.ts";

/** Places in what is signed of a certificate of version 3. */
const place = { version: 0, serial: 1, algorithm: 2, issuer: 3, validity: 4, subject: 5, spki: 6 };

const membersOf = (value: Uint8Array): Buffer[] => {
  const reader = readDer(value, derTags.sequence);
  const members: Buffer[] = [];
  while (!reader.atEnd) members.push(Buffer.from(reader.read().raw));
  return members;
};

const unusual = extension("1.2.3", Buffer.of(5, 0));
const good = makeCertificate({ extensions: [unusual] }).der;
const [tbs = good, algorithm = good, signature = good] = membersOf(good);
const members = membersOf(tbs);

/** The good certificate with some of its parts otherwise. */
function otherwise(parts: Partial<Record<keyof typeof place, Uint8Array>>, ...more: Uint8Array[]) {
  const changed = [...members];
  for (const [name, bytes] of Object.entries(parts)) {
    changed[place[name as keyof typeof place]] = Buffer.from(bytes);
  }
  changed.splice(7, 0, ...more.map((one) => Buffer.from(one)));
  return sequence(sequence(...changed), algorithm, signature);
}

const name = (...attribute: readonly Uint8Array[]) => sequence(der(0x31, sequence(...attribute)));
const common = oid("2.5.4.3");
const now = new Date(1_700_000_000_000);

test("a certificate is read as it was written", () => {
  const { version, issuer, extensions, serial } = parseCertificate(good);
  assert.deepEqual([version, [...extensions.keys()]], [3, ["1.2.3"]]);
  assert.deepEqual(Buffer.from(issuer), members[place.issuer]);
  assert.equal(serial, members[place.serial]?.subarray(2).toString("hex"));
  assert.deepEqual(parseCertificate(otherwise({})).raw, good);
  assert.equal(parseCertificate(makeCertificate({ version: 1 }).der).version, 1);
  const second = [der(0xa0, integer(1)), ...members.slice(1, 7)];
  assert.equal(parseCertificate(sequence(sequence(...second), algorithm, signature)).version, 2);
  const unique = [der(0x81, Buffer.of(0, 1)), der(0x82, Buffer.of(0, 1))];
  assert.deepEqual([...parseCertificate(otherwise({}, ...unique)).extensions.keys()], ["1.2.3"]);
});

test("our own reader refuses what is not written as it must be", () => {
  const wrong: Readonly<Record<string, Uint8Array>> = {
    "more behind the signature": sequence(tbs, algorithm, signature, integer(1)),
    "bits that are no octets": sequence(tbs, algorithm, der(0x03, Buffer.of(1, 2))),
    "a padded serial": otherwise({ serial: der(0x02, Buffer.of(0, 1)) }),
    "no serial": otherwise({ serial: der(0x02, Buffer.of()) }),
    "three times": otherwise({ validity: sequence(time(now), time(now), time(now)) }),
    "a date that is none": otherwise({ validity: sequence(time(now), integer(1)) }),
    "two versions": otherwise({ version: der(0xa0, Buffer.concat([integer(2), integer(2)])) }),
    "a name of too many parts": otherwise({ subject: name(common, utf8("a"), utf8("b")) }),
    "a name without text": otherwise({ subject: name(common) }),
    "a name without kind": otherwise({ issuer: name(utf8("a"), utf8("b")) }),
    "a name that is no set": otherwise({ issuer: sequence(sequence(common, utf8("a"))) }),
    "more behind the extensions": otherwise({}, ...(members[7] ? [members[7]] : [])),
    "two lists of extensions": otherwise({}, der(0xa3, Buffer.concat([sequence(), sequence()]))),
    "an extension of four parts": otherwise(
      {},
      der(0xa3, sequence(sequence(oid("1.2.4"), der(0x04, Buffer.of()), integer(1)))),
    ),
  };
  for (const [what, bytes] of Object.entries(wrong)) {
    assert.throws(
      () => parseCertificate(bytes),
      { code: "signature.bad-certificate", message: /^x509: malformed certificate: ./ },
      what,
    );
  }
});

test("versions are 1 to 3, and an extension occurs once", () => {
  for (const version of [3, 4, 200]) {
    const bytes = otherwise({ version: der(0xa0, integer(version)) });
    assert.throws(() => parseCertificate(bytes), { message: "x509: invalid version" });
  }
  const twice = makeCertificate({ extensions: [unusual, unusual] }).der;
  assert.throws(() => parseCertificate(twice), { message: /duplicate extension with OID "1.2.3"/ });
  const early = otherwise({ version: der(0xa0, integer(1)) });
  assert.throws(() => parseCertificate(early), { message: /extensions need version 3$/ });
});

test("critical extensions are handled, harmless or neither; constraints are never handled", () => {
  const unhandled = (...extensions: readonly Uint8Array[]) =>
    parseCertificate(makeCertificate({ extensions }).der).unhandled;
  const list = sequence();
  for (const id of ["2.5.29.31", "2.5.29.32"]) {
    assert.deepEqual(unhandled(extension(id, list, true)), []);
  }
  for (const id of ["2.5.29.30", "2.5.29.36"]) {
    assert.deepEqual(unhandled(extension(id, list)), [id]);
    assert.deepEqual(unhandled(extension(id, list, true)), [id]);
  }
  assert.deepEqual(unhandled(extension("1.2.5", list)), []);
  assert.deepEqual(unhandled(extension("1.2.5", list, true)), ["1.2.5"]);
  const uncritical = sequence(oid("1.2.5"), bool(false), der(0x04, list));
  assert.deepEqual(unhandled(uncritical), []);
  assert.deepEqual(unhandled(keyUsage(0), altNames([{ uri: "u" }])), []);
  assert.deepEqual(unhandled(altNames([])), ["2.5.29.17"]);
  assert.deepEqual(unhandled(altNames([], false)), []);
});

test("basic constraints are read as they must be written", () => {
  const read = (...parts: readonly Uint8Array[]) => {
    const value = Buffer.concat(parts);
    const { der: bytes } = makeCertificate({ extensions: [extension("2.5.29.19", value)] });
    return parseCertificate(bytes).basicConstraints;
  };
  assert.deepEqual(read(sequence()), { isCa: false });
  assert.deepEqual(read(sequence(bool(false))), { isCa: false });
  assert.deepEqual(read(sequence(bool(true))), { isCa: true });
  assert.deepEqual(read(sequence(bool(true), integer(0))), { isCa: true, pathLength: 0 });
  const wrong = [
    [sequence(bool(true), integer(0), integer(0))],
    [sequence(der(0x01, Buffer.of(1)))],
    [sequence(bool(true)), bool(true)],
    [],
  ];
  for (const parts of wrong) {
    assert.throws(() => read(...parts), { code: "signature.bad-certificate" });
  }
});

test("key usages are read bit by bit", () => {
  const usageOf = (value: Uint8Array) => [
    ...(parseCertificate(makeCertificate({ extensions: [extension("2.5.29.15", value)] }).der)
      .keyUsage ?? []),
  ];
  assert.deepEqual(usageOf(bits(Buffer.of(0x86))), [0, 5, 6]);
  assert.deepEqual(usageOf(der(0x03, Buffer.of(7, 0x01, 0x80))), [7, 8]);
  for (const wrong of [Buffer.of(8, 0), Buffer.of(), Buffer.of(0, 0, 0, 0)]) {
    assert.throws(() => usageOf(der(0x03, wrong)), { message: /: malformed key usage$/ });
  }
  const twice = Buffer.concat([bits(Buffer.of(0x86)), bits(Buffer.of(0x86))]);
  assert.throws(() => usageOf(twice), { message: /: trailing data$/ });
  const { extKeyUsage: used } = parseCertificate(
    makeCertificate({ extensions: [extKeyUsage(usages.any, usages.codeSigning)] }).der,
  );
  assert.deepEqual(used, [usages.any, usages.codeSigning]);
});

test("the reader of these tests reads all", () => {
  assert.equal(new DerReader(good).read().raw.length, good.length);
});
