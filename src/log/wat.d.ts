// What wat.mjs makes of a file of WebAssembly text, and the little of WebAssembly that is used: Node's types have none.
declare module "*.wat" {
  /** The assembled module, in base64. */
  export const wasm: string;
}

declare namespace WebAssembly {
  const Module: new (bytes: Uint8Array) => Module;
  const Instance: new <Exports>(module: Module) => { readonly exports: Exports };
}
