import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PolicyError } from "../../policy/errors.ts";
import { explainVerdict } from "../../policy/explain.ts";
import { createGate } from "../../policy/gate.ts";
import { lintPolicy } from "../../policy/lint.ts";
import { parsePolicy } from "../../policy/parse.ts";
import { createToyKey, toySignature } from "./toy-signatures.ts";
import { contextOf, docker, manifestDigest, subjectOf } from "./world.ts";

/** A long run is asked for by AMPHORA_SOAK=1. */
const rounds = process.env["AMPHORA_SOAK"] === "1" ? 200_000 : 3_000;

function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % limit;
  };
}

const file = new URL("../fixtures/policy/skopeo-1.22.json", import.meta.url);
const rows = JSON.parse(readFileSync(file, "utf8")) as readonly {
  readonly policy?: string;
  readonly invalid?: string;
}[];

// None of these accepts anything without a signature, so no mutation may make a policy that does.
const strict = rows.flatMap(({ policy = "", invalid }) =>
  invalid === undefined && policy && !policy.includes("insecureAcceptAnything") ? [policy] : [],
);

const pieces = [
  '"',
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "null",
  "true",
  "1e400",
  '"type":',
  '"reject"',
  '"signedBy"',
  '"default":',
  '"keyPath":"/k",',
  "\\u0000",
  "\\ud800",
  "\0",
  "\ufeff",
  '"__proto__":{},',
  '"transports":{"docker":{"":',
];

/** Cuts, repeats, swaps and puts in: most results are no policy, some are another one. */
function mutated(text: string, random: (limit: number) => number): Buffer {
  let result = Buffer.from(text);
  for (let count = random(3); count >= 0; count -= 1) {
    const at = random(result.length + 1);
    const end = Math.min(result.length, at + random(random(4) === 0 ? 60 : 4));
    const donor = strict[random(strict.length)] ?? "";
    const from = random(donor.length + 1);
    const middle = [
      Buffer.of(random(256)),
      Buffer.from(pieces[random(pieces.length)] ?? ""),
      Buffer.from(donor.slice(from, from + random(60))),
      Buffer.concat([result.subarray(at, end), result.subarray(at, end)]),
    ][random(4)];
    result = Buffer.concat([
      result.subarray(0, at),
      middle ?? Buffer.of(),
      result.subarray(random(2) ? at : end),
    ]);
  }
  return result;
}

const key = createToyKey("ed");
const forged = toySignature(createToyKey("ed"), {
  digest: manifestDigest,
  reference: "h.example/a:1",
});
const subject = subjectOf(docker("h.example/a:1"), [forged, toySignature(key, "{", "sigstore")]);
const context = contextOf({ "/k": key.file });
const options = { readKeyFile: context.readKeyFile, now: new Date("2026-06-01T00:00:00Z") };

test("no policy made of bytes crashes, hangs, or accepts what nobody said it should", async () => {
  const random = seeded(20_261_127);
  let valid = 0;
  for (let round = 0; round < rounds; round += 1) {
    const input = mutated(strict[random(strict.length)] ?? "", random);
    try {
      const policy = parsePolicy(input, "p");
      valid += 1;
      const verdict = await createGate(policy, context).verdict(subject);
      assert.equal(verdict.allowed, false, input.toString("base64"));
      explainVerdict(verdict);
      await lintPolicy(input, "p", options);
    } catch (error) {
      if (error instanceof PolicyError && error.code === "policy.invalid") continue;
      throw new Error(`unforeseen failure for ${input.toString("base64")}`, { cause: error });
    }
  }
  assert.ok(valid > rounds / 50, `${valid} of ${rounds} are policies`);
});
