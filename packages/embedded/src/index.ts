export { startPostgres } from './postgres/start.ts'
export type { EmbeddedPostgres, PostgresOptions } from './postgres/start.ts'
export type { PostgresEvent } from './postgres/supervisor.ts'
