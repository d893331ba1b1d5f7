import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { formatInspected, type Inspected } from "../../src/cli/commands/inspect-output.ts";
import { TemplateError } from "../../src/cli/template/error.ts";
import { KnownError } from "../../src/core/errors.ts";
import { goIndent } from "../../src/core/go-json.ts";
import { formatImageConfig, parseImageConfig } from "../../src/core/image-config.ts";

interface Golden {
  readonly template: string;
  readonly text?: string;
  readonly error?: string;
}

const layer = "sha256:b1dd88cdd8bf09af2539d0b345e647129d8fd55c92b6d824b6ecc53efd531028";

/** The image that the golden files were made of. */
const image: Inspected = {
  type: "image",
  name: "",
  digest: "sha256:9d994f496f9dda50f95ecd2ebaee043e62acf03b325b8371b9a10cd37c90bc5d",
  repoTags: [],
  view: {
    tag: "",
    created: "2024-01-02T03:04:05.123456789Z",
    dockerVersion: "20.10",
    labels: new Map([
      ["b", "2<>"],
      ["a", "1"],
      ["org.x.y", "z"],
    ]),
    architecture: "amd64",
    os: "linux",
    layers: [
      {
        mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
        digest: layer,
        size: 45,
        annotations: null,
      },
    ],
    env: ["PATH=/bin", "A=<b>&c"],
  },
};

function golden(name: string): readonly Golden[] {
  const url = new URL(`golden/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8"));
}

async function outcome(inspected: Inspected, template: string): Promise<Golden> {
  try {
    const json =
      inspected.type === "config"
        ? () => goIndent(formatImageConfig(inspected.config), "    ")
        : undefined;
    return { template, text: await formatInspected(inspected, template, json) };
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    assert.equal(error.code, "cli.bad-template");
    const printed = error instanceof TemplateError ? error.printed : "";
    return { template, error: error.message, ...(printed !== "" && { text: printed }) };
  }
}

const config = parseImageConfig(readFileSync(new URL("golden/image-config.json", import.meta.url)));

for (const { what, inspected, file } of [
  { what: "image", inspected: image, file: "templates" },
  { what: "config", inspected: { type: "config", config } as const, file: "config-templates" },
]) {
  test(`formatInspected() does with each template of an ${what} what skopeo 1.22 does`, async (t) => {
    for (const expected of golden(file)) {
      await t.test(expected.template, async () => {
        assert.deepEqual(await outcome(inspected, expected.template), expected);
      });
    }
  });
}
