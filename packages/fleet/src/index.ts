// The lifecycle of organizations: the places they live in, and what keeps those alike.
export { carryCopy } from './copies/carry-copy.ts'
export type { Catalogue, CopyOptions } from './copies/carry-copy.ts'
export { keepCopies } from './copies/keep-copies.ts'
export type { CopyKeeper } from './copies/keep-copies.ts'
export { homeNames } from './provision/names.ts'
export type { HomeNames } from './provision/names.ts'
export * from './rollout/index.ts'
