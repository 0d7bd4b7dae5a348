// The SQL layer of Rowhouse: its schema, its installer and its queries.
export { pruneOrganization } from './audit/prune.ts'
export { sealKeyOf, sealOrganization } from './audit/seal.ts'
export { verifyOrganization } from './audit/verify.ts'
export type { ChainProblem, ChainReport, ProblemKind } from './audit/verify.ts'
export { adopt, planAdoption, undoAdoption } from './adopt/adopt.ts'
export type { AdoptEvent, AdoptResult, AdoptRun } from './adopt/adopt.ts'
export type { AdoptOptions } from './adopt/options.ts'
export type { Plan } from './adopt/plan.ts'
export { defaultPace } from './adopt/run-step.ts'
export type { Pace } from './adopt/run-step.ts'
export type { Statement, Step } from './adopt/step.ts'
export { changedOrganizations, positionAtStart, positionNow, readChanges } from './changes.ts'
export type { Change, ChangePosition, Queryable } from './changes.ts'
export { findDataKey, insertDataKey, toDataKey } from './envelope/data-keys.ts'
export type { DataKeyRow } from './envelope/data-keys.ts'
export { Envelope } from './envelope/envelope.ts'
export type { EnvelopeOptions, Sealer } from './envelope/envelope.ts'
export { KeyCache } from './envelope/key-cache.ts'
export type { KeyCacheOptions } from './envelope/key-cache.ts'
export { MasterKeys } from './envelope/master-keys.ts'
export { CredentialSeal, clusterPlace, keyIdOf } from './envelope/seal.ts'
export type { SealedPlace } from './envelope/seal.ts'
export { connectionError } from './install/connection-error.ts'
export { hardenDatabase } from './install/hardening.ts'
export { ensureIdentity } from './install/identity.ts'
export { checkVersion, install } from './install/install.ts'
export type { InstallOptions, InstallResult } from './install/install.ts'
export { installSql } from './install/install-sql.ts'
export type { InstallSqlOptions } from './install/install-sql.ts'
export {
  checkMasterKey,
  deriveLoginPassword,
  deriveServerPassword,
  deriveTokenKey,
  loginUrl,
  scramVerifier,
  tokenKeyId,
} from './keys.ts'
export type { HomeLogin, LoginRole } from './keys.ts'
export { migrations, schemaVersion } from './migrations.ts'
export type { Migration } from './migrations.ts'
export { requireSchemaVersion } from './schema-version.ts'
export { errorCodeBySqlstate, errorCodeOf } from './sqlstate.ts'
export { inTransaction } from './transaction.ts'
