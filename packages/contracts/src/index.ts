export { RowhouseError, isRowhouseError } from './error.ts'
export type { RowhouseErrorOptions } from './error.ts'
export { errorCodes } from './error-codes/index.ts'
export type { ErrorCode } from './error-codes/index.ts'
export { errorBody } from './error-body.ts'
export type { ErrorBody } from './error-body.ts'
export { allows, connectionPermissions, endpoint, permissions } from './endpoint.ts'
export type {
  Access,
  BodyOf,
  ConnectionPermission,
  Endpoint,
  PathParams,
  Permission,
  QueryOf,
  ResponseOf,
} from './endpoint.ts'
export { endpoints } from './endpoints/index.ts'
export type { EndpointId, Endpoints } from './endpoints/index.ts'
export { auditExportFormat, auditExportPath, auditExportQuery } from './audit-export.ts'
export type { AuditExportFormat, AuditExportQuery } from './audit-export.ts'
export { eventsPath, serverEvent } from './events.ts'
export type { ServerEvent } from './events.ts'
export * from './endpoints/activity.ts'
export * from './endpoints/advice.ts'
export * from './endpoints/clusters.ts'
export * from './endpoints/connections.ts'
export * from './endpoints/findings.ts'
export * from './endpoints/invitations.ts'
export * from './endpoints/mappings.ts'
export * from './endpoints/measures.ts'
export * from './endpoints/object-mapping.ts'
export * from './endpoints/organizations.ts'
export * from './endpoints/plans.ts'
export * from './endpoints/records.ts'
export * from './endpoints/retention.ts'
export * from './endpoints/roles.ts'
export * from './endpoints/rollouts.ts'
export * from './endpoints/session.ts'
