import { annotationKeys, type SigstoreSignature } from "../../../../sigstore/cosign/attachment.ts";
import type { SigstoreTrust } from "../../../../sigstore/verifiers.ts";
import { testKey, toPem } from "../../../support/certificates.ts";
import {
  type HashedRekordBody,
  makeSet,
  payloadFor,
  type RekorSet,
  type SetOptions,
  signSet,
} from "../../../support/sigstore.ts";
import {
  goodSignature,
  keys,
  manifestDigest,
  other,
  payload,
  reference,
  signer,
  type VerifyCase,
} from "./case.ts";

export const rekor = testKey("p256");
const otherRekor = testKey("p384");
const rsa = testKey("rsa", "cases");

const trust = logged(keys(signer), rekor.pem);

function logged(who: SigstoreTrust, ...logs: readonly string[]): SigstoreTrust {
  return { ...who, rekorKeys: logs.map((pem) => Buffer.from(pem)) };
}

function withSet(set: string): SigstoreSignature {
  const signature = goodSignature();
  return { ...signature, annotations: { ...signature.annotations, [annotationKeys.set]: set } };
}

/** A good signature with an entry that is changed before the log signs it. */
function entry(options: Partial<SetOptions> = {}): SigstoreSignature {
  const signature = goodSignature();
  const set = makeSet({
    rekor,
    payload,
    signature: signature.annotations[annotationKeys.signature] ?? "",
    publicKey: signer.pem,
    ...options,
  });
  return { ...signature, annotations: { ...signature.annotations, [annotationKeys.set]: set } };
}

function body(change: (entry: HashedRekordBody) => unknown): SigstoreSignature {
  return entry({ body: (made) => change(made) ?? made });
}

function signed(change: Record<string, unknown>): SigstoreSignature {
  return entry({ signed: (made) => ({ ...made, ...change }) });
}

/** Another text of what the log has signed. */
function rewritten(change: (text: string) => string): SigstoreSignature {
  return entry({ after: (set) => change(JSON.stringify(set)) });
}

function after(change: (set: RekorSet) => void): SigstoreSignature {
  return entry({
    after: (set) => {
      change(set);
      return set;
    },
  });
}

const omit = (object: object, ...names: readonly string[]) =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

/** The log's promise — `specs/signing.md` 4.4. */
export const rekorCases: readonly VerifyCase[] = [
  { name: "I20 key and SET", trust, signature: entry() },
  { name: "I20b no SET", trust, signature: goodSignature() },
  { name: "I20c SET by another log", trust, signature: entry({ rekor: otherRekor }) },
  {
    name: "I20d any of two logs",
    trust: logged(keys(signer), otherRekor.pem, rekor.pem),
    signature: entry(),
  },
  {
    name: "I20d two keys and two logs",
    trust: logged(keys(other, signer), otherRekor.pem, rekor.pem),
    signature: entry(),
  },
  {
    name: "I20e SET for another payload",
    trust,
    signature: entry({ payload: payloadFor(manifestDigest, reference, { optional: null }) }),
  },
  { name: "I20f SET for another public key", trust, signature: entry({ publicKey: other.pem }) },
  { name: "I20g SET for another signature", trust, signature: entry({ signature: "QUJDRA==" }) },
  {
    name: "I20h time tampered with",
    trust,
    signature: after((set) => {
      set.Payload["integratedTime"] = 1;
    }),
  },
  {
    name: "I20h body tampered with",
    trust,
    signature: after((set) => {
      set.Payload["body"] = "e30=";
    }),
  },
  {
    name: "I20i unknown member in SET",
    trust,
    signature: entry({ after: (set) => ({ ...set, More: 1 }) }),
  },
  { name: "I20i unknown member in what is signed", trust, signature: signed({ more: 1 }) },
  {
    name: "I20i member of SET missing",
    trust,
    signature: entry({ after: (set) => omit(set, "SignedEntryTimestamp") }),
  },
  {
    name: "I20i payload of SET missing",
    trust,
    signature: entry({ after: (set) => omit(set, "Payload") }),
  },
  {
    name: "I20i member missing in what is signed",
    trust,
    signature: entry({ signed: (made) => omit(made, "logID") }),
  },
  {
    name: "I20i member of SET in other case",
    trust,
    signature: rewritten((text) => text.replace('"Payload"', '"payload"')),
  },
  {
    name: "member of SET twice",
    trust,
    signature: rewritten((text) => text.replace('{"Sig', '{"Payload":{},"Sig')),
  },
  {
    name: "member of SET twice, escaped",
    trust,
    signature: rewritten((text) => text.replace('{"Sig', '{"\\u0050ayload":{},"Sig')),
  },
  {
    name: "member twice in what is signed",
    trust,
    signature: rewritten((text) => text.replace('{"body"', '{"logIndex":7,"body"')),
  },
  {
    name: "member twice in the body",
    trust,
    signature: body((made) => JSON.stringify(made).replace('"spec":{', '"spec":{},"spec":{')),
    stricter: "an entry that says two things says nothing",
  },
  {
    name: "I20j kind intoto",
    trust,
    signature: body((made) => {
      made.kind = "intoto";
    }),
  },
  {
    name: "I20j no kind",
    trust,
    signature: body((made) => {
      made.kind = undefined;
    }),
  },
  {
    name: "I20k apiVersion 0.0.2",
    trust,
    signature: body((made) => {
      made.apiVersion = "0.0.2";
    }),
    ownWords: "theirs is an address in memory",
  },
  {
    name: "I20k no apiVersion",
    trust,
    signature: body((made) => {
      made.apiVersion = undefined;
    }),
  },
  {
    name: "I20l hash labelled sha512",
    trust,
    signature: body((made) => {
      made.spec.data.hash["algorithm"] = "sha512";
    }),
  },
  {
    name: "I20l no label of hash",
    trust,
    signature: body((made) => {
      delete made.spec.data.hash["algorithm"];
    }),
  },
  {
    name: "hash in upper case",
    trust,
    signature: body((made) => {
      made.spec.data.hash["value"] = String(made.spec.data.hash["value"]).toUpperCase();
    }),
  },
  {
    name: "hash is no hex",
    trust,
    signature: body((made) => {
      made.spec.data.hash["value"] = "zz";
    }),
    ownWords: "which byte is at fault is not told",
  },
  {
    name: "hash of nothing",
    trust,
    signature: body((made) => {
      made.spec.data.hash["value"] = "";
    }),
  },
  {
    name: "no hash value",
    trust,
    signature: body((made) => {
      delete made.spec.data.hash["value"];
    }),
  },
  {
    name: "no data",
    trust,
    signature: body((made) => ({ ...made, spec: { signature: made.spec.signature } })),
  },
  {
    name: "no signature in the entry",
    trust,
    signature: body((made) => ({ ...made, spec: { data: made.spec.data } })),
  },
  {
    name: "no public key in the entry",
    trust,
    signature: body((made) => ({
      ...made,
      spec: { ...made.spec, signature: { content: made.spec.signature.content } },
    })),
  },
  {
    name: "no spec",
    trust,
    signature: body((made) => omit(made, "spec")),
    ownWords: "theirs is the end of an empty text",
  },
  {
    name: "spec is a list",
    trust,
    signature: body((made) => ({ ...made, spec: [] })),
    ownWords: "Go's names of structs",
  },
  {
    name: "unknown members in the body",
    trust,
    signature: body((made) => ({ ...made, more: { a: [1] }, spec: { ...made.spec, more: 1 } })),
  },
  { name: "body is no JSON", trust, signature: body(() => "hello") },
  { name: "body is null", trust, signature: signed({ body: null }) },
  { name: "body is no base64", trust, signature: signed({ body: "???" }) },
  {
    name: "body is a number",
    trust,
    signature: signed({ body: 1 }),
    ownWords: "Go's name of the type",
  },
  {
    name: "I20m SET logs the other trusted key",
    trust: logged(keys(signer, other), rekor.pem),
    signature: entry({ publicKey: other.pem }),
  },
  { name: "I20n SET of garbage, no log asked", trust: keys(signer), signature: withSet("garbage") },
  {
    name: "I20o public key without its last line end",
    trust,
    signature: entry({ publicKey: signer.pem.trimEnd() }),
  },
  {
    name: "I20o public key with an empty line behind",
    trust,
    signature: entry({ publicKey: `${signer.pem}\n` }),
  },
  {
    name: "I20o public key with text before",
    trust,
    signature: entry({ publicKey: `my key\n${signer.pem}` }),
  },
  {
    name: "I20o public key of another PEM type",
    trust,
    signature: entry({ publicKey: signer.pem.replaceAll("PUBLIC", "SOME") }),
  },
  { name: "I20o two public keys", trust, signature: entry({ publicKey: signer.pem + other.pem }) },
  { name: "I20o public key is no PEM", trust, signature: entry({ publicKey: "key" }) },
  { name: "I20p log key RSA", trust: logged(keys(signer), rsa.pem), signature: entry() },
  {
    name: "I20p log key is a certificate",
    trust: logged(keys(signer), toPem("CERTIFICATE", Buffer.of(1))),
    signature: entry(),
  },
  {
    name: "I20p garbage among the log keys",
    trust: logged(keys(signer), rekor.pem, "garbage"),
    signature: entry(),
  },
  {
    name: "I20q logged in the year 2286",
    trust,
    signature: signed({ integratedTime: 9_999_999_999 }),
    stricter: "no log has a clock like that",
  },
  {
    name: "logged beyond the end of time",
    trust,
    signature: signed({ integratedTime: 9e15 }),
    stricter: "no log has a clock like that",
  },
  { name: "logged before 1970", trust, signature: signed({ integratedTime: -5 }) },
  {
    name: "time is a fraction",
    trust,
    signature: signed({ integratedTime: 1.5 }),
    ownWords: "Go's name of the type",
  },
  {
    name: "time is a text",
    trust,
    signature: signed({ integratedTime: "1" }),
    ownWords: "Go's name of the type",
  },
  {
    name: "time is null",
    trust,
    signature: signed({ integratedTime: null }),
    stricter: "no time is no time",
  },
  {
    name: "time beyond int64",
    trust,
    signature: signed({ integratedTime: 1e19 }),
    ownWords: "Go's name of the type",
  },
  {
    name: "numbers written otherwise",
    trust,
    signature: rewritten((text) => text.replace('"logIndex":7', '"logIndex":0.7e+1')),
  },
  {
    name: "texts written otherwise, members in another order",
    trust,
    signature: rewritten((text) =>
      text
        .replace(/"integratedTime":(\d+),/, "")
        .replace(
          '"Payload":{',
          `"Payload" : { "integratedTime":${String(JSON.parse(text).Payload.integratedTime)},\n`,
        )
        .replace('"c0ffee"', '"\\u00630ffee"'),
    ),
  },
  { name: "SET is garbage", trust, signature: withSet("garbage") },
  { name: "SET is empty", trust, signature: withSet("") },
  { name: "SET is null", trust, signature: withSet("null") },
  { name: "SET with something behind", trust, signature: rewritten((text) => `${text} x`) },
  {
    name: "SET with null for its signature",
    trust,
    signature: entry({ after: (set) => ({ ...set, SignedEntryTimestamp: null }) }),
  },
  {
    name: "SET whose signature is no base64",
    trust,
    signature: entry({ after: (set) => ({ ...set, SignedEntryTimestamp: "?" }) }),
  },
  {
    name: "SET whose signature is a list of bytes",
    trust,
    signature: entry({
      after: (set) => ({
        ...set,
        SignedEntryTimestamp: [...Buffer.from(set.SignedEntryTimestamp, "base64")],
      }),
    }),
  },
  {
    name: "payload of SET is null",
    trust,
    signature: entry({
      after: () => ({ SignedEntryTimestamp: signSet({}, rekor), Payload: null }),
    }),
    ownWords: "where it is noticed",
  },
  {
    name: "payload of SET is a list",
    trust,
    signature: entry({ after: () => ({ SignedEntryTimestamp: signSet({}, rekor), Payload: [] }) }),
  },
];
