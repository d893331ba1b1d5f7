// Signs an image as it is copied, and asks a policy about it: `node examples/sign-and-verify.ts docker://registry/name:tag`.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyImage } from "amphora/copy";
import { explain, gateFromPolicy, openGate, verifyImage } from "amphora/policy";
import { parseReference } from "amphora/references";
import { generateSigstoreKeys, openSigner } from "amphora/signatures";
import { openTransports } from "amphora/transports";

const [from] = process.argv.slice(2);
if (from === undefined) throw new Error("usage: sign-and-verify.ts IMAGE");
const name = "vendor.example/app:v1";
const folder = mkdtempSync(join(tmpdir(), "amphora-example-"));
try {
  const { privateKey, publicKey } = await generateSigstoreKeys("a passphrase");
  writeFileSync(join(folder, "key.pub"), publicKey);
  const gate = gateFromPolicy(
    JSON.stringify({
      default: [{ type: "reject" }],
      transports: {
        docker: {
          "vendor.example": [{ type: "sigstoreSigned", keyPath: join(folder, "key.pub") }],
        },
      },
    }),
  );

  await using transports = await openTransports({ onWarning: console.error });
  const platform = transports.hostPlatform;
  const source = await transports.resolve(from, "source");
  const { reference: as } = await transports.resolve(`docker://${name}`, "source");
  const before = await verifyImage({ image: source, as, gate, platform });
  console.log(`refused before it was signed: ${before.verdicts[0]?.error}`);

  const signed = join(folder, "signed");
  await using signer = await openSigner({
    type: "sigstore-file",
    bytes: Buffer.from(privateKey),
    passphrase: "a passphrase",
  });
  await copyImage({
    from: source,
    to: await transports.resolve(`dir:${signed}`, "destination"),
    gate: openGate(),
    platform,
    signers: [signer],
    signIdentity: parseReference(name),
  });

  const image = await transports.resolve(`dir:${signed}`, "source");
  const { allowed, digest, verdicts } = await verifyImage({ image, as, gate, platform });
  for (const verdict of verdicts) console.log(explain(verdict));
  console.log(`${allowed ? "admitted" : "refused"}: ${name} at ${digest}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
