// The lifecycle of organizations: the places they live in, and what keeps those alike.
export { homeNames } from './provision/names.ts'
export type { HomeNames } from './provision/names.ts'
export * from './rollout/index.ts'
