import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { makeImage } from "../support/images.ts";
import { requirePeer, skipWithout } from "../support/peers.ts";
import { run } from "../support/run.ts";
import { type SigningWorld, signedBy, signingWorld } from "../support/signing-world.ts";

const skip = skipWithout("gpg", "skopeo");

/** Written anew with `AMPHORA_GOLDEN=write`, to be read by a person. */
const golden = new URL("refusals.golden.txt", import.meta.url);

interface Row {
  readonly what: string;
  readonly image: string;
  /** Of the scope that decides. */
  readonly asked: object | readonly object[];
  /** skopeo 1.9 says the very same. */
  readonly likeSkopeo: boolean;
}

const sigstoreKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaC4hBG5JEErrIz3lzmkHk5WA6raP
+lQYlgyPLlKn/I1oFkGtk+tk/uyb/6nKI1Gfwuz/HA91bt+b+VYpFfe8Dg==
-----END PUBLIC KEY-----
`;

function rows(world: SigningWorld): readonly Row[] {
  const ann = signedBy(world.in("ann.pub"));
  const bob = signedBy(world.in("bob.pub"));
  const row = (what: string, image: string, asked: Row["asked"], likeSkopeo = true): Row => ({
    what,
    image,
    asked,
    likeSkopeo,
  });
  const as = (signedIdentity: object) => ({ ...ann, signedIdentity });
  const { host } = world.registry;
  return [
    row("nobody has signed it", "made/plain:v1", ann),
    row("it is rejected", "made/plain:v1", { type: "reject" }),
    row("rejected beside a good signature", "team/app:v1", [ann, { type: "reject" }]),
    row("signed by another key", "team/app:v1", bob, false),
    row("signed by one of two that are needed", "team/app:v1", [ann, bob], false),
    row("signed under another tag", "team/app:other", ann),
    row("signed under another repository", "mirror/app:v1", ann),
    row(
      "signed under another name, exactly one is taken",
      "team/app:v1",
      as({ type: "exactReference", dockerReference: `${host}/team/app:v2` }),
    ),
    row(
      "signed under a name that is remapped",
      "team/app:v1",
      as({ type: "remapIdentity", prefix: `${host}/team`, signedPrefix: "vendor.test/team" }),
    ),
    row("two signatures, and neither is good", "team/twice:v1", ann),
    row("the key file is not there", "team/app:v1", signedBy(world.in("nowhere.pub"))),
    row("the key file is no key", "team/app:v1", signedBy(world.in("garbage"))),
    row("a kind of key that is not implemented", "team/app:v1", {
      ...ann,
      keyType: "X509Certificates",
    }),
    row("the base layer's signature is asked for", "team/app:v1", {
      type: "signedBaseLayer",
      baseLayerIdentity: { type: "matchExact" },
    }),
    row(
      "a sigstore signature is asked for",
      "team/app:v1",
      { type: "sigstoreSigned", keyPath: world.in("sigstore.pub") },
      false,
    ),
    row("the signature was changed", "team/damaged:v1", ann, false),
    row("the signature is no signature", "team/garbage:v1", ann),
  ];
}

/** One image under many names; what stands in the look-aside is arranged as the rows need it. */
async function furnish(world: SigningWorld): Promise<void> {
  const { registry, home, keys } = world;
  const seeds = [
    "made/plain",
    "team/app",
    "mirror/app",
    "team/twice",
    "team/damaged",
    "team/garbage",
  ];
  for (const [seed, name] of seeds.entries())
    registry.seed(name, "v1", makeImage({ seed: seed + 1 }));
  registry.seed("team/app", "other", makeImage({ seed: 2 }));
  const sign = (name: string, as = `${registry.host}/${name}:v1`) =>
    world.output(
      "sign",
      "--tls-verify=false",
      "--sign-by",
      keys.ann,
      "--sign-identity",
      as,
      world.at(`${name}:v1`),
    );
  for (const name of ["team/app", "team/damaged", "team/garbage"]) await sign(name);
  await sign("mirror/app", `${registry.host}/team/app:v1`);
  await sign("team/twice", `${registry.host}/team/twice:v2`);
  await sign("team/twice", `${registry.host}/team/other:v1`);
  const file = async (name: string) => {
    const folder = (await readdir(home.folder.in("sigs/team"))).find((each) =>
      each.startsWith(`${name}@`),
    );
    return home.folder.in("sigs/team", folder ?? "", "signature-1");
  };
  await writeFile(await file("damaged"), changedSignature(world));
  await writeFile(await file("garbage"), "<html>not found</html>");
  await writeFile(world.in("garbage"), "not a key");
  await writeFile(world.in("sigstore.pub"), sigstoreKey);
}

/** What ann signed, with another tag in it since: uncompressed, so that it still is a message. */
function changedSignature({ gpg, keys, registry }: SigningWorld): Buffer {
  const text = JSON.stringify({
    critical: {
      identity: { "docker-reference": `${registry.host}/team/damaged:v2` },
      image: { "docker-manifest-digest": makeImage({ seed: 5 }).digest },
      type: "atomic container signature",
    },
    optional: {},
  });
  const plain = ["--compress-algo", "none", "-u", keys.ann, "--sign"];
  const message = gpg.output(plain, { input: Buffer.from(text) }).toString("latin1");
  return Buffer.from(message.replace("damaged:v2", "damaged:v1"), "latin1");
}

test("every refusal reads as it should, and as skopeo's where skopeo has words", {
  skip,
}, async () => {
  await using world = await signingWorld();
  await furnish(world);
  const { registry, home, keys } = world;
  const normalised = (text: string) =>
    text
      .replaceAll(registry.host, "HOST")
      .replaceAll(home.folder.path, "")
      .replaceAll(keys.ann, "ANN")
      .replaceAll(keys.bob, "BOB")
      .replaceAll(keys.ann.slice(-16), "ANN-ID")
      .replaceAll(/sha256:[0-9a-f]{64}/g, "DIGEST")
      .replaceAll(/sha256=[0-9a-f]{64}/g, "DIGEST")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "DATE");
  const told: string[] = [];
  for (const { what, image, asked, likeSkopeo } of rows(world)) {
    const policy = await world.policy("policy.json", { [registry.host]: asked });
    const ours = await world.run(
      "--policy",
      policy,
      "verify",
      "--explain",
      "--tls-verify=false",
      world.at(image),
    );
    assert.equal(ours.exitCode, 1, what);
    const reason = fatal(ours.stderr);
    told.push(`# ${what}\n\n${normalised(`${ours.stdout.trimEnd()}\n\nfatal: ${reason}`)}\n`);
    if (!likeSkopeo) continue;
    const theirs = await run(
      requirePeer("skopeo"),
      [
        "--policy",
        policy,
        "copy",
        "--quiet",
        "--src-tls-verify=false",
        world.at(image),
        "dir:refused",
      ],
      { cwd: world.in(), env: { ...home.env, NO_PROXY: "127.0.0.1" } },
    );
    // 1.22 quotes the identity.
    const words = fatal(theirs.stderr).replaceAll(
      /identity ([^" ]+) is not/g,
      'identity "$1" is not',
    );
    assert.equal(reason, words, what);
  }
  const text = told.join("\n");
  if (process.env["AMPHORA_GOLDEN"] === "write") await writeFile(golden, text);
  assert.equal(text, (await readFile(golden)).toString());
});

function fatal(stderr: string): string {
  return /level=fatal msg="(.*)"\n/.exec(stderr)?.[1]?.replaceAll("\\", "") ?? stderr;
}
