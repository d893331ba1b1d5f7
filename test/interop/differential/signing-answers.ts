import { type Deviation, sameBut } from "./deviation.ts";
import type { Difference } from "./differences.ts";

/** Where skopeo 1.9 answers otherwise than 1.22: rows of `test/fixtures/skopeo/1.22-signing.json`. */
export const signingDifferences: readonly Difference[] = [
  {
    reason: "standalone-verify takes several fingerprints and a file of keys since 1.14",
    cases: /^standalone-verify .*(--public-key-file|a\.test\/x:[12] \S+ sig$)/,
  },
  { reason: "generate-sigstore-key is there since 1.12", cases: /^generate-sigstore-key/ },
  {
    reason: "sigstore and Sequoia keys sign since 1.10 and later",
    cases: /^copy .*--sign-by-(sigstore|sq)/,
  },
];

/** Where we answer otherwise than skopeo 1.22 on purpose. */
export const signingDeviations: readonly Deviation[] = [
  {
    reason: "what cannot be signed is refused before a byte moves, and nothing is left",
    cases: /^copy --sign-by nobody (--sign-identity a\.test\/x )?dir:dir/,
    check: sameBut({ stdout: /^$/, stderr: /creating signature: Invalid value/, files: [] }),
  },
  {
    reason: "signatures that cannot be kept are refused before a byte moves",
    cases: /oci:out:v1$/,
    check: sameBut({ stdout: /^Getting image source signatures\n$/ }),
  },
  {
    reason: "a signature by an unknown key is told of in words, and not in GnuPG's numbers",
    cases: /^standalone-verify .*--public-key-file bob\.pub$/,
    check: sameBut({
      stderr: /Invalid GPG signature: made by key C5B9\S+, which is not trusted here/,
    }),
  },
  {
    reason: "what is no OpenPGP message is told of alike, whoever reads it",
    cases: /^untrusted-signature-dump-without-verification schema2\.json$/,
    check: sameBut({ stderr: /Error decoding untrusted signature: No data/ }),
  },
];
