// What tests start from. Never imported by anything that ships.
export { createHomes, describeInEveryModel, isolationModels, useHomes } from './homes/homes.ts'
export type { Homes, IsolationModel, Tenant } from './homes/homes.ts'
export type { Home } from './homes/build-home.ts'
export { startHoldingProxy } from './holding-proxy.ts'
export type { Held, HoldingProxy } from './holding-proxy.ts'
export { farKinds, homeKinds, useEveryHome } from './homes/every-home.ts'
export type { EveryHome, HomeKind, Resident } from './homes/every-home.ts'
export { sqlstateOf } from './outcome.ts'
export { testSigningKey } from './signing-key.ts'
export { createTestDatabase, goPastTheGuard, useTestDatabase, withClient } from './test-database.ts'
export type { TestDatabase } from './test-database.ts'
export { dropHomes, makeHomes } from './test-homes.ts'
export type { TestHome } from './test-homes.ts'
export { claimsOf, mintToken } from './tokens.ts'
export type { Claims } from './tokens.ts'
export { untilWaiting } from './until-waiting.ts'
export { createTwoWorlds } from './two-worlds.ts'
export type { TwoWorlds, World } from './two-worlds.ts'
export { startTlsProxy } from './tls-proxy.ts'
export type { TlsProxy } from './tls-proxy.ts'
export { startTransactionPooler } from './transaction-pooler.ts'
export type { TransactionPooler } from './transaction-pooler.ts'
export { startWireTap } from './wire-tap.ts'
export type { Exchange, WireTap } from './wire-tap.ts'
export { useSupabaseDatabase } from './supabase-database/supabase-database.ts'
export type { SupabaseDatabase } from './supabase-database/supabase-database.ts'
export { startSupabaseServer } from './supabase-database/supabase-server.ts'
export type { SupabaseServer } from './supabase-database/supabase-server.ts'
export { asPostgrest, asRealtime, asStorage } from './supabase-database/service-requests.ts'
export type { JwtClaims, ServiceRequest } from './supabase-database/service-requests.ts'
export { findInstalledPostgres } from './supabase-database/installed-postgres.ts'
export {
  deleteQuery,
  insertQuery,
  readQuery,
  relationshipsQuery,
  updateQuery,
} from './supabase-database/postgrest-queries.ts'
