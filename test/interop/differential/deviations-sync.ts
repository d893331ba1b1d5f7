import assert from "node:assert/strict";
import { type Deviation, sameBut } from "./deviation.ts";
import type { Outcome } from "./outcome.ts";

/** Where `sync` answers otherwise than skopeo 1.22 on purpose. */
export const syncDeviations: readonly Deviation[] = [
  {
    reason:
      "what cannot be meant is told of, and nothing is copied; skopeo passes over it, exit status 0",
    cases: /# a (bad (tag|repository|regex|regex, and tags|constraint|host)|tagged repository)$/,
    check(actual, expected) {
      assert.equal(actual.exitCode, 1);
      assert.equal(actual.stdout, "");
      assert.deepEqual(actual.files, []);
      assert.deepEqual(errorsIn(actual), errorsIn(expected));
      assert.match(actual.stderr, /level=fatal msg="Sync failed due to previous/);
    },
  },
  {
    reason: "a repository that cannot be listed is an error; skopeo has said so, and exits with 0",
    cases: /# a (missing repository|regex for a missing repository)$/,
    check(actual, expected) {
      assert.equal(actual.exitCode, 1);
      assert.ok(actual.stderr.startsWith(expected.stderr));
      assert.match(actual.stderr, /level=fatal msg="Sync failed due to previous.*\n$/);
    },
  },
  {
    reason: "an unknown key is an error; skopeo passes over it",
    cases: /^sync .*# an unknown key$/,
    check: sameBut({
      exitCode: 1,
      stdout: /^$/,
      stderr: /yaml: unmarshal errors:\\n {2}line 5: field image not found in type /,
      files: [],
    }),
  },
  {
    reason: "what may be a secret is not shown",
    cases: /^sync .*# bad credentials$/,
    check: sameBut({ stderr: /line 5: cannot unmarshal !!str into types.DockerAuthConfig/ }),
  },
  {
    reason: "another YAML reader",
    cases: /^sync .*# (a tab|no YAML)$/,
    check: sameBut({ stderr: /Failed to unmarshal \\"sync.yaml\\": yaml: line \d: / }),
  },
  {
    reason: "folders that are in the way are found before anything is copied",
    cases: /^sync .*# one is there$/,
    check(actual, expected) {
      assert.equal(actual.exitCode, expected.exitCode);
      assert.equal(actual.stdout, "");
      assert.equal(actual.stderr.split("\n").at(-2), expected.stderr.split("\n").at(-2));
      assert.ok(actual.files.every((line) => expected.files.includes(line)));
      assert.ok(!actual.files.some((line) => line.includes("latest")));
    },
  },
  {
    reason: "what is asked for twice is copied once, into folders too",
    cases: /^sync .*# (a tag twice|two that overlap)$/,
    check(actual, expected) {
      assert.equal(actual.exitCode, 0);
      assert.match(actual.stdout, /\nSkipping: image already present at destination\n$/);
      assert.match(actual.stderr, /Synced 2 images/);
      assert.deepEqual(actual.files, expected.files);
    },
  },
  {
    reason: "a list that is there already is not gone through",
    cases: /^sync .*--all .*# again$/,
    check: sameBut({ stdout: /^Getting.*\nSkipping: image already present at destination\n$/ }),
  },
  {
    reason: "a dry run makes no folders",
    cases: /^sync .*--dest dir .*--dry-run /,
    check: sameBut({ files: [] }),
  },
  {
    reason: "any of the blobs may be the first to meet the refusal",
    cases: /^sync .* docker R\/made\/docker:v1 (G\/copied|127\.0\.0\.1:1\/mirror)$/,
    check: sameBut({ stderr: /Error copying ref .*(unauthorized|connection refused)"\n$/ }),
  },
  {
    reason: "time that is out is told of without what was being done",
    cases: /^--command-timeout 1ns sync /,
    check: sameBut({ stderr: /context deadline exceeded"\n$/ }),
  },
  {
    reason:
      "no folder is left of an image that failed; some behind it may have been copied by then",
    cases:
      /^sync .*(--dest dir.*(:nope|halfway)|# (numbers|a missing tag|with TLS|wrong cred|going on))/,
    check(actual, expected) {
      assert.deepEqual({ ...actual, files: [] }, { ...expected, files: [] });
      for (const line of complete(expected)) assert.ok(actual.files.includes(line), line);
      assert.deepEqual(actual.files.filter(isOfImage), complete(actual));
    },
  },
];

function errorsIn({ stderr }: Outcome): readonly string[] {
  return stderr.split("\n").filter((line) => line.includes("level=error"));
}

/** Files of folders that hold a whole image. */
function complete({ files }: Outcome): readonly string[] {
  const folders = files.flatMap((line) => /^(.*\/)manifest\.json /.exec(line)?.[1] ?? []);
  return files.filter((line) => folders.some((folder) => line.startsWith(folder)));
}

/** Of a folder that is named as an image is, or in it. */
function isOfImage(line: string): boolean {
  return /^out(\/HOST|\/REGISTRY|\/GUARDED)?\/.*[^/:]*:[\w.-]+\//.test(line);
}
