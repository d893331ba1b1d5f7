// Copies an image, admitting only what a policy accepts: `node examples/copy.ts oci:folder:name dir:elsewhere`.
import { copyImage } from "amphora/copy";
import { gateFromPolicy } from "amphora/policy";
import { openTransports } from "amphora/transports";

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) throw new Error("usage: copy.ts SOURCE DESTINATION");

await using transports = await openTransports({ onWarning: console.error });
const digest = await copyImage({
  from: await transports.resolve(from, "source"),
  to: await transports.resolve(to, "destination"),
  gate: gateFromPolicy('{"default": [{"type": "insecureAcceptAnything"}]}'),
  platform: transports.hostPlatform,
});
console.log(digest);
