import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { loadSigningParameters } from "../../src/config/signing-parameters.ts";
import { tempFolder } from "../support/temp.ts";

/** Texts of skopeo 1.22. */
const refused: readonly (readonly [text: string, reason: string])[] = [
  ["", "EOF"],
  [
    "privateKeyFile: [1]\n",
    "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string",
  ],
  [
    "privateKeyFile: {a: 1}\nfoo: 1\n",
    "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!map into string\n  line 2: field foo not found in type params.SigningParameterFile",
  ],
  [
    "privateKeyFile: k\nprivateKeyFile: k\n",
    'yaml: unmarshal errors:\n  line 2: mapping key "privateKeyFile" already defined at line 1',
  ],
  [
    "fulcio:\n  foo: x\nbar: 1\n",
    "yaml: unmarshal errors:\n  line 2: field foo not found in type params.SigningParameterFileFulcio\n  line 3: field bar not found in type params.SigningParameterFile",
  ],
  [
    "fulcio: x\n",
    "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `x` into params.SigningParameterFileFulcio",
  ],
];

test("loadSigningParameters() is strict, in skopeo's words", async () => {
  await using folder = await tempFolder();
  const file = folder.in("p.yaml");
  for (const [text, reason] of refused) {
    await writeFile(file, text);
    const named = `"${file}"`;
    const message = `setting up signing using parameter file ${named}: parsing ${named}: ${reason}`;
    await assert.rejects(loadSigningParameters(file), { message });
  }
});

test("loadSigningParameters() reads what signs, and takes scalars as text", async () => {
  await using folder = await tempFolder();
  const file = folder.in("p.yaml");
  await writeFile(file, "privateKeyFile: 1\nprivateKeyPassphraseFile: p\nfulcio: {oidcMode: x}\n");
  assert.deepEqual(await loadSigningParameters(file), {
    privateKeyFile: "1",
    privateKeyPassphraseFile: "p",
    fulcio: { oidcMode: "x" },
  });
  await writeFile(file, "null\n");
  assert.deepEqual(await loadSigningParameters(file), {});
});
