// Tenant migrations over the whole fleet.
export { applyTenantMigrations, homeMigrations } from './apply/apply-tenant-migrations.ts'
export type { HomeMigrations } from './apply/apply-tenant-migrations.ts'
export { readReleasedMigrations } from './ledger/record-migrations.ts'
export { prepareMigration } from './migration/prepare.ts'
export type { Statement, TenantMigration } from './migration/prepare.ts'
export type { Check, Problem } from './migration/problem.ts'
export { fileNameOf, migrationFile } from './migration/read-folder.ts'
export type { MigrationFile } from './migration/read-folder.ts'
