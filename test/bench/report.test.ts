import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../bench/arguments.ts";
import { commandOf, type Task } from "../../bench/commands.ts";
import { caseTable, median } from "../../bench/report.ts";

test("median() is the middle, or the mean of the two in the middle", () => {
  assert.equal(median([]), undefined);
  assert.equal(median([undefined, undefined]), undefined);
  assert.equal(median([3]), 3);
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 3, undefined, 2]), 2.5);
});

test("caseTable() sets our medians against each tool's", () => {
  const sample = (wallMs: number) => ({ wallMs, cpuMs: wallMs / 2, memoryMb: 50 });
  const results = [
    { case: "c", tool: "amphora", samples: [100, 300, 200].map(sample), requests: 7, bytes: 1e6 },
    { case: "c", tool: "skopeo", samples: [400].map(sample) },
    { case: "c", tool: "oras", samples: [], failure: "it broke" },
  ];
  const lines = caseTable("a case", results, 0.8).split("\n");
  assert.match(lines[1] ?? "", /a case \(goal: 0\.8/);
  assert.deepEqual(lines[3]?.trim().split(/\s+/), [
    "amphora",
    "200",
    "1.00",
    "100",
    "1.00",
    "50",
    "7",
    "1.0",
  ]);
  assert.deepEqual(lines[4]?.trim().split(/\s+/), ["skopeo", "400", "0.50", "200", "0.50", "50"]);
  assert.match(lines[5] ?? "", /oras: it broke/);
});

test("parseArguments() takes peers, prefix and images from flags before the environment", () => {
  const env = { AMPHORA_BENCH_PREFIX: "env run", AMPHORA_BENCH_IMAGES: "make it" };
  const args = parseArguments(
    ["--quick", "--prefix", "a b", "--peer", "skopeo=x y", "--peer", "oras=z"],
    env,
  );
  assert.deepEqual(args.prefix, ["a", "b"]);
  assert.deepEqual(
    [...args.peers],
    [
      ["skopeo", ["x", "y"]],
      ["oras", ["z"]],
    ],
  );
  assert.deepEqual(args.images, ["make", "it"]);
  assert.equal(args.runs, 3);
  assert.equal(parseArguments([], {}).runs, 5);
  assert.deepEqual(parseArguments([], env).prefix, ["env", "run"]);
  assert.throws(() => parseArguments(["--slow"], {}));
});

test("commandOf() says each task in each tool's own words, or not at all", () => {
  const from = { at: "registry", port: 1, repository: "a/b" } as const;
  const to = { at: "oci", path: "/to" } as const;
  const said = (name: "skopeo" | "crane" | "oras", task: Task) =>
    commandOf({ name, words: [name] }, task)?.words.join(" ");
  assert.equal(
    said("skopeo", { do: "copy", from, to }),
    "skopeo --insecure-policy copy -q --src-tls-verify=false docker://127.0.0.1:1/a/b:latest oci:/to:latest",
  );
  assert.equal(
    said("oras", { do: "copy", from, to }),
    "oras cp --no-tty --from-plain-http 127.0.0.1:1/a/b:latest --to-oci-layout /to:latest",
  );
  assert.equal(
    said("crane", { do: "copy", from, to }),
    "crane pull --format=oci 127.0.0.1:1/a/b:latest /to --insecure",
  );
  assert.equal(said("crane", { do: "copy", from, to, zstd: true }), undefined);
  assert.equal(said("oras", { do: "copy", from: { at: "dir", path: "/from" }, to }), undefined);
  assert.equal(said("oras", { do: "inspect", from }), undefined);
});
