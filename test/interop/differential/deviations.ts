import assert from "node:assert/strict";
import { type Deviation, sameBut } from "./deviation.ts";
import { syncDeviations } from "./deviations-sync.ts";

/** Every case in which we are not skopeo, and why; the first that fits counts. */
export const deviations: readonly Deviation[] = [
  ...syncDeviations,
  {
    reason: "a damaged file is seen before its bytes are read, and half a folder is not left",
    cases: /# (a blob|a layer) is damaged$/,
    check: sameBut({ stderr: /reading blob sha256:.* bytes, and not/, files: [] }),
  },
  {
    reason: "a layout's manifest is checked against its digest before it is parsed",
    cases: /# the manifest is no JSON$/,
    check: sameBut({ stderr: /does not match provided manifest digest/ }),
  },
  {
    reason: "another TOML reader",
    cases: /# registries\.conf is no TOML$/,
    check: sameBut({ stderr: /loading registries configuration .*toml: line 1/ }),
  },
  {
    reason: "a folder is not emptied before it is copied onto itself",
    cases: /^copy -q dir:dir dir:dir$/,
    check: sameBut({ stderr: /one holds the other/ }),
  },
  {
    reason: "time that is out is told of without what was being done",
    cases: /^--command-timeout 1ns /,
    check: sameBut({ stderr: /context deadline exceeded"\n$/ }),
  },
  {
    reason: "images with sha512 digests can be copied",
    cases: /^copy .*made\/sha512/,
    check(actual) {
      assert.equal(actual.exitCode, 0, actual.stderr);
    },
  },
  {
    reason: "we know sha512 where skopeo 1.22 takes the config for wrong",
    cases: /^inspect --tls-verify=false docker:.*made\/sha512/,
    check: sameBut({ exitCode: 0, stderr: /^$/, stdout: /"Layers": \[\n\s+"sha512:/ }),
  },
  {
    reason: "a size below zero is refused",
    cases: /bad\/negative-size/,
    check: sameBut({ exitCode: 1, stderr: /config has size -1/, stdout: /^$/, files: [] }),
  },
  {
    reason: "a registry that names another digest than its manifest has is not believed",
    cases: /bad\/wrong-digest-header/,
    check: sameBut({
      exitCode: 1,
      stderr: /does not match|did not match/,
      stdout: /^$/,
      files: [],
    }),
  },
  {
    reason: "a digest that cannot be is refused as the manifest is read, and named",
    cases: /bad\/(bad|path)-digest/,
    check: sameBut({ stderr: /unsupported digest algorithm|invalid checksum digest length/ }),
  },
  {
    reason: "the config is read beside the layers: either may be the first that is wrong",
    cases: /^copy .*bad\/(flipped|long|short|missing)-blob/,
    check: sameBut({ stderr: /level=fatal msg=".*sha256:/ }),
  },
  {
    reason: "a config too long or too short is not read on for the sake of its digest",
    cases: /^inspect .*bad\/(long|short)-blob/,
    check: sameBut({ stderr: /is longer than its \d+ bytes|ended after \d+ of \d+ bytes/ }),
  },
  {
    reason: "nothing is asked before a small blob is sent, so the refusal meets the upload",
    cases: /^copy \S+ \S+ dir:dir docker:\/\/G\/copied\/to:v1$/,
    check: sameBut({ stderr: /unauthorized/ }),
  },
  {
    reason: "a copy that failed leaves no half a folder",
    cases: /^copy (?!.*--digestfile).* dir:out( # (rejected .*|a layer is missing))?$/,
    check(actual, expected) {
      const files = expected.exitCode === 0 ? expected.files : [];
      assert.deepEqual(actual, { ...expected, files });
    },
  },
];
