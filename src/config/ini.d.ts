// The package `ini` brings no types; this is all that we use of it.
declare module "ini" {
  const ini: { parse(text: string): Record<string, unknown> };
  export = ini;
}
