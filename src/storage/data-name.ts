/**
 * The file that holds an item of data under this key: the key itself where it is of lower-case letters, digits and dots, else
 * `=` and its base64; undefined where that is no name for a file.
 */
export function dataFileName(key: string): string | undefined {
  const plain = /^[0-9a-z.]*$/.test(key);
  const name = plain ? key : `=${Buffer.from(key, "utf8").toString("base64")}`;
  const unusable = name === "" || name === "." || name === ".." || name.includes("/");
  return unusable || name.length > 255 ? undefined : name;
}
