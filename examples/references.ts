// Spells out a reference: `node examples/references.ts alpine:3` prints docker.io/library/alpine:3.
import { formatReference, parseReference } from "amphora/references";

console.log(formatReference(parseReference(process.argv[2] ?? "alpine")));
