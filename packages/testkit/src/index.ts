// What tests start from. Never imported by anything that ships.
export { testSigningKey } from './signing-key.ts'
export { createTestDatabase, useTestDatabase, withClient } from './test-database.ts'
export type { TestDatabase } from './test-database.ts'
export { claimsOf, mintToken } from './tokens.ts'
export type { Claims } from './tokens.ts'
export { createTwoWorlds } from './two-worlds.ts'
export type { TwoWorlds, World } from './two-worlds.ts'
