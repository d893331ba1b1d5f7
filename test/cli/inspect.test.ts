import assert from "node:assert/strict";
import { test } from "node:test";
import { makeIndex, makeMultiArch } from "../support/images.ts";
import { writeLayoutFolder } from "../support/layout-folder.ts";
import { cliHome } from "../support/run-cli.ts";

test("inspect finds the image for a platform in an index within an index", async () => {
  await using home = await cliHome();
  const inner = makeMultiArch({ seed: 3, type: "oci" });
  const outer = makeIndex([inner], { type: "oci" });
  await writeLayoutFolder(home.folder.in("nested"), outer);
  const image = `oci:${home.folder.in("nested")}`;
  for (const architecture of ["arm64", "s390x"]) {
    const platform = ["--override-os", "linux", "--override-arch", architecture];
    const { stdout, stderr } = await home.run([...platform, "inspect", image]);
    assert.equal(stderr, "");
    const { Architecture, Digest } = JSON.parse(stdout);
    assert.deepEqual(
      { Architecture, Digest },
      { Architecture: architecture, Digest: outer.digest },
    );
  }
  const none = await home.run(["--override-arch", "mips", "inspect", "--config", image]);
  assert.equal(none.exitCode, 1);
  assert.match(none.stderr, /no image found in image index for architecture/);
});
