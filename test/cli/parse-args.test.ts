import assert from "node:assert/strict";
import { test } from "node:test";
import { readCommandLine } from "../../src/cli/find-command.ts";
import { parseCsvRecord } from "../../src/cli/go-csv.ts";
import { UsageError } from "../../src/core/errors.ts";

/** Messages are a compatibility fact here: each was taken from skopeo 1.22. */
const refused: readonly (readonly [args: readonly string[], message: string])[] = [
  [["-q", "copy"], "unknown shorthand flag: 'q' in -q"],
  [["--al"], "unknown flag: --al"],
  [["copy", "--al"], "unknown flag: --al"],
  [["copy", "-qz"], "unknown shorthand flag: 'z' in -z"],
  [["copy", "--format"], "flag needs an argument: --format"],
  [["copy", "-f"], "flag needs an argument: 'f' in -f"],
  [["copy", "--=x"], "bad flag syntax: --=x"],
  [["copy", "---x"], "bad flag syntax: ---x"],
  [["copy", "-=x"], "unknown shorthand flag: '=' in -=x"],
  [["inspect", "-é"], "unknown shorthand flag: 'Ã' in -é"],
  [["-hfoo"], "unknown shorthand flag: 'f' in -foo"],
  [["-h", "x", "copy"], "pflag: help requested"],
  [["--help", "copy", "sync"], "pflag: help requested"],
  [["copy", "-v"], "unknown shorthand flag: 'v' in -v"],
  [["copy", "--version"], "unknown flag: --version"],
  [
    ["copy", "--src-tls-verify=maybe"],
    'invalid argument "maybe" for "--src-tls-verify" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [
    ["copy", "-q=foo"],
    'invalid argument "foo" for "-q, --quiet" flag: strconv.ParseBool: parsing "foo": invalid syntax',
  ],
  [
    ["copy", "--dest-compress-level", "x"],
    'invalid argument "x" for "--dest-compress-level" flag: strconv.ParseInt: parsing "x": invalid syntax',
  ],
  [
    ["copy", "--retry-times=99999999999999999999"],
    'invalid argument "99999999999999999999" for "--retry-times" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range',
  ],
  [
    ["copy", "--retry-times=08"],
    'invalid argument "08" for "--retry-times" flag: strconv.ParseInt: parsing "08": invalid syntax',
  ],
  [
    ["copy", "--image-parallel-copies", "-1"],
    'invalid argument "-1" for "--image-parallel-copies" flag: strconv.ParseUint: parsing "-1": invalid syntax',
  ],
  [
    ["copy", "--encrypt-layer", "1,2,"],
    'invalid argument "1,2," for "--encrypt-layer" flag: strconv.Atoi: parsing "": invalid syntax',
  ],
  [
    ["copy", "--additional-tag", '"a'],
    'invalid argument "\\"a" for "--additional-tag" flag: parse error on line 1, column 3: extraneous or missing " in quoted-field',
  ],
  [
    ["copy", "--additional-tag", 'a"b'],
    'invalid argument "a\\"b" for "--additional-tag" flag: parse error on line 1, column 2: bare " in non-quoted-field',
  ],
  [["copy", "--additional-tag", "\n"], 'invalid argument "\\n" for "--additional-tag" flag: EOF'],
  [
    ["--command-timeout", "5", "copy"],
    'invalid argument "5" for "--command-timeout" flag: time: missing unit in duration "5"',
  ],
  [
    ["--command-timeout=1x", "copy"],
    'invalid argument "1x" for "--command-timeout" flag: time: unknown unit "x" in duration "1x"',
  ],
  [
    ["--command-timeout=1é", "inspect"],
    'invalid argument "1é" for "--command-timeout" flag: time: unknown unit "\\xc3\\xa9" in duration "1\\xc3\\xa9"',
  ],
  [
    ["--command-timeout=9999999999h", "inspect"],
    'invalid argument "9999999999h" for "--command-timeout" flag: time: invalid duration "9999999999h"',
  ],
  [
    ["inspect", "--help=maybe"],
    'invalid argument "maybe" for "-h, --help" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
];

test("readCommandLine() refuses in pflag's words", () => {
  for (const [args, message] of refused) {
    assert.throws(
      () => readCommandLine("skopeo", args),
      (error: unknown) =>
        error instanceof UsageError && error.code === "usage.bad-flag" && error.message === message,
      `${args.join(" ")} should say: ${message}`,
    );
  }
});

/** What cobra makes of it: the command's path, and the words left over. */
const found: readonly (readonly [
  args: readonly string[],
  path: string,
  words: readonly string[],
])[] = [
  [["copy", "a", "b"], "copy", ["a", "b"]],
  [["copy", "--src-tls-verify", "false", "a"], "copy", ["false", "a"]],
  [["copy", "a", "--all", "b", "-q"], "copy", ["a", "b"]],
  [["copy", "--", "-q", "--x"], "copy", ["-q", "--x"]],
  [["--policy", "inspect", "x"], "", ["x"]], // the value of --policy names a command in vain
  [["--policy=x", "inspect"], "inspect", []],
  [["--debug", "copy", "a"], "copy", ["a"]],
  [["--", "copy", "a"], "", ["copy", "a"]],
  [["--", "x", "copy", "a"], "copy", ["a"]], // cobra takes "--" for a flag with a value here
  [["-", "copy"], "", ["-", "copy"]],
  [["", "copy"], "", ["", "copy"]],
  [["completion", "bash", "x"], "completion bash", ["x"]],
  [["completion", "--debug", "bash"], "completion", ["bash"]], // and for --debug too, below the program
  [["inspect", "-test.v", "a"], "inspect", ["a"]], // pflag passes over flags of Go's test runner
  [["inspect", "-nf", "{{.Os}}", "a"], "inspect", ["a"]],
  [["COPY"], "", ["COPY"]],
];

test("readCommandLine() finds the command as cobra does", () => {
  for (const [args, path, words] of found) {
    const invocation = readCommandLine("skopeo", args);
    const name = invocation.path.map((spec) => spec.name).join(" ");
    assert.deepEqual([name, invocation.args], [path, words], args.join(" "));
  }
});

test("readCommandLine() reads values of every type", () => {
  const { flags, globals } = readCommandLine("amphora", [
    "--command-timeout=1h30m0.5s",
    "copy",
    "--additional-tag",
    'a,"b,""c"""',
    "--additional-tag=d",
    "--additional-tag=",
    "--encrypt-layer=0,-1",
    "--encrypt-layer",
    "+7",
    "--retry-times=0x_1f",
    "--dest-compress-level=-0b11",
    "--image-parallel-copies",
    "0o17",
    "--dest-creds",
    "",
    "--src-tls-verify=F",
    "-f=oci",
    "--retry-delay=.5ms",
    "--debug",
    "--platform=linux/amd64",
  ]);
  assert.deepEqual(flags.strings("additional-tag"), ["a", 'b,"c"', "d"]);
  assert.deepEqual(flags.numbers("encrypt-layer"), [0, -1, 7]);
  assert.equal(flags.number("retry-times"), 31);
  assert.equal(flags.number("dest-compress-level"), -3);
  assert.equal(flags.number("image-parallel-copies"), 15);
  assert.equal(flags.optionalString("dest-creds"), "");
  assert.equal(flags.optionalString("src-creds"), undefined);
  assert.equal(flags.optionalBool("src-tls-verify"), false);
  assert.equal(flags.optionalBool("dest-tls-verify"), undefined);
  assert.equal(flags.string("format"), "oci");
  assert.equal(flags.number("retry-delay"), 0.5);
  assert.equal(globals.number("command-timeout"), 5_400_500);
  assert.equal(globals.bool("debug"), true);
  assert.equal(flags.bool("debug"), true);
});

test("readCommandLine() lets the last of a repeated flag win", () => {
  const { flags } = readCommandLine("skopeo", ["copy", "-f", "oci", "--format=v2s2", "-q", "-q=0"]);
  assert.equal(flags.string("format"), "v2s2");
  assert.equal(flags.bool("quiet"), false);
});

test("readCommandLine() knows our own flags and commands only in our own name", () => {
  for (const args of [
    ["copy", "--dry-run"],
    ["--log-format=json", "copy"],
    ["delete", "--tag-only"],
  ]) {
    assert.ok(readCommandLine("amphora", args));
    assert.throws(() => readCommandLine("skopeo", args), { code: "usage.bad-flag" });
  }
  assert.equal(readCommandLine("skopeo", ["compat"]).path.length, 0);
  assert.equal(readCommandLine("amphora", ["compat"]).path.length, 1);
});

test("FlagValues keeps a command's --tls-verify apart from the program's", () => {
  const { flags, globals } = readCommandLine("skopeo", ["--tls-verify=false", "inspect", "x"]);
  assert.equal(flags.optionalBool("tls-verify"), undefined);
  assert.equal(globals.optionalBool("tls-verify"), false);
});

test("FlagValues throws when asked for a flag that the command does not have", () => {
  const { flags } = readCommandLine("skopeo", ["manifest-digest", "x"]);
  assert.throws(() => flags.bool("raw"));
});

test("parseCsvRecord() reads a record over several lines, and only the first", () => {
  assert.deepEqual(parseCsvRecord('a,"b\nc",d\ne'), ["a", "b\nc", "d"]);
  assert.deepEqual(parseCsvRecord("\n\na,"), ["a", ""]);
  assert.deepEqual(parseCsvRecord('"a"\r\n'), ["a"]);
  assert.throws(() => parseCsvRecord('a,"b\nc'), {
    message:
      'record on line 1; parse error on line 2, column 2: extraneous or missing " in quoted-field',
  });
});
