/** Where the compiled encoder is: `npm run build` makes it of encoder/. The bundler puts its own path here. */
export const moduleFile: string | URL = new URL("../../../dist/deflate.wasm", import.meta.url);
