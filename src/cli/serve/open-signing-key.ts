import type { Signer } from "../../../sigstore/signer.ts";
import { readFile } from "../../config/load-file.ts";
import { SigningError } from "../../server/signing/errors.ts";
import type { SigningKey, SigningSettings } from "../../server/signing/settings.ts";
import type { CommandContext } from "../context.ts";
import { readPassphraseFile } from "../passphrase.ts";

/** Opens keys when they are first signed with, and keeps them. */
export function createKeyRing({ keys }: SigningSettings, context: CommandContext) {
  const opened = new Map<string, Promise<Signer>>();
  return {
    /** @throws {SigningError} `signing.no-such-key` */
    signer(name: string): Promise<Signer> {
      const known = opened.get(name);
      if (known) return known;
      const key = keys[name];
      if (!key) throw new SigningError("signing.no-such-key", `there is no key "${name}"`);
      const opening = openSigningKey(key, context);
      opened.set(name, opening);
      opening.catch(() => opened.delete(name)); // it may be there the next time
      return opening;
    },
    async [Symbol.asyncDispose]() {
      for (const opening of opened.values())
        await (await opening.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

async function openSigningKey(key: SigningKey, context: CommandContext): Promise<Signer> {
  const { version } = context;
  const details = { creator: `amphora ${version}`, now: () => new Date() };
  const passphrase =
    key.passphraseFile === undefined ? undefined : readPassphraseFile(key.passphraseFile);
  const text = passphrase && Buffer.from(passphrase).toString();
  switch (key.type) {
    case "gpg": {
      const { createGpgSigner } = await import("../../../sigstore/simple-signing/gpg-signer.ts");
      const { environment } = await context.parts();
      return await createGpgSigner({
        key: key.key,
        environment: {
          ...environment.variables,
          ...(key.home !== undefined && { GNUPGHOME: key.home }),
        },
        ...(text !== undefined && { passphrase: text }),
        ...details,
      });
    }
    case "key-file": {
      const { createKeyFileSigner } = await import(
        "../../../sigstore/simple-signing/key-file-signer.ts"
      );
      return await createKeyFileSigner({
        keyFile: readFile(key.file),
        ...(text !== undefined && { passphrase: text }),
        ...details,
      });
    }
    case "cosign": {
      const { createSigstoreSigner } = await import("../../../sigstore/cosign/signer.ts");
      return await createSigstoreSigner({
        keyFile: readFile(key.file),
        passphrase: passphrase ?? new Uint8Array(),
        ...details,
      });
    }
  }
}
