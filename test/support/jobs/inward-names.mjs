// Loaded into a server before anything else: names below turns-inward.example are this machine, as a hostile DNS says.
import dns from "node:dns";

const { lookup } = dns.promises;

dns.promises.lookup = async function inward(name, options) {
  if (!name.endsWith(".turns-inward.example"))
    return await lookup.call(dns.promises, name, options);
  const found = { address: "127.0.0.1", family: 4 };
  return options?.all === true ? [found] : found;
};
