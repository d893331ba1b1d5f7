import { test } from "node:test";
import { makeImage } from "../support/images.ts";
import { quirkNames, startQuirk, takesOciOnly } from "../support/quirks.ts";
import { startRegistry } from "../support/registry.ts";
import { assertHolds, copyThrough, testHost } from "./support.ts";

for (const name of quirkNames) {
  test(`Repository pushes to, and pulls from, a registry like ${name}`, async () => {
    await using plain = await startRegistry();
    await using quirk = await startQuirk(name);
    const [username, password] = quirk.credentials?.split(":") ?? [];
    const credentials = username !== undefined && password !== undefined && { username, password };
    const image = makeImage({ type: takesOciOnly(name) ? "oci" : "docker", layerBytes: 100_000 });
    plain.seed("app", "v1", image);
    await using near = testHost(plain.host);
    await using far = testHost(quirk.registry.host, { ...(credentials && { credentials }) });
    const path = "made/before";
    const read = near.host.repository("app", "read");
    const back = near.host.repository("back", "write");
    await copyThrough(read, far.host.repository(path, "write"), image);
    assertHolds(quirk.registry, path, image);
    await copyThrough(far.host.repository(path, "read"), back, image);
    assertHolds(plain, "back", image);
  });
}
