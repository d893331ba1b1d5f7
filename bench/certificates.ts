import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./measure.ts";

/** A server certificate for 127.0.0.1 and the CA that made it: paths. */
export interface Certificates {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
  /** A folder as `--src-cert-dir` wants it: the CA and nothing else. */
  readonly folder: string;
}

/** Made by openssl(1), good for a day. */
export async function makeCertificates(into: string): Promise<Certificates> {
  const folder = join(into, "certs.d");
  await mkdir(folder, { recursive: true });
  const paths = {
    certificate: join(into, "server.crt"),
    key: join(into, "server.key"),
    ca: join(folder, "ca.crt"),
    folder,
  };
  const caKey = join(into, "ca.key");
  const request = join(into, "server.csr");
  const extensions = join(into, "server.ext");
  await writeFile(extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const steps = [
    [
      "req",
      "-x509",
      ...key,
      "-days",
      "1",
      "-subj",
      "/CN=bench",
      "-keyout",
      caKey,
      "-out",
      paths.ca,
    ],
    ["req", ...key, "-subj", "/CN=127.0.0.1", "-keyout", paths.key, "-out", request],
    [
      ...["x509", "-req", "-days", "1", "-CAcreateserial", "-extfile", extensions],
      ...["-CA", paths.ca, "-CAkey", caKey, "-in", request, "-out", paths.certificate],
    ],
  ];
  for (const step of steps) await run({ words: ["openssl", ...step] });
  return paths;
}
