// pg publishes this module (its exports name ./lib/*) and @types/pg does not describe it.
declare module 'pg/lib/utils.js' {
  const utils: { readonly prepareValue: (this: void, value: unknown) => string | Uint8Array | null }
  export default utils
}
