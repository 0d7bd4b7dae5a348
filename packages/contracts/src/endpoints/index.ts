// Every endpoint, by id. The server must implement each; the client calls each; openapi lists each.
import * as activity from './activity.ts'
import * as advice from './advice.ts'
import * as clusters from './clusters.ts'
import * as connections from './connections.ts'
import * as findings from './findings.ts'
import * as invitations from './invitations.ts'
import * as mappings from './mappings.ts'
import * as measures from './measures.ts'
import * as organizations from './organizations.ts'
import * as plans from './plans.ts'
import * as records from './records.ts'
import * as retention from './retention.ts'
import * as roles from './roles.ts'
import * as rollouts from './rollouts.ts'
import * as session from './session.ts'

export const endpoints = {
  getSignInMethods: session.getSignInMethods,
  signInAsOperator: session.signInAsOperator,
  signOut: session.signOut,
  getMe: session.getMe,
  listOrganizations: organizations.listOrganizations,
  createOrganization: organizations.createOrganization,
  getOrganization: organizations.getOrganization,
  suspendOrganization: organizations.suspendOrganization,
  resumeOrganization: organizations.resumeOrganization,
  listMembers: organizations.listMembers,
  setMemberRole: organizations.setMemberRole,
  removeMember: organizations.removeMember,
  listInvitations: invitations.listInvitations,
  createInvitation: invitations.createInvitation,
  revokeInvitation: invitations.revokeInvitation,
  acceptInvitation: invitations.acceptInvitation,
  listConnectors: connections.listConnectors,
  listConnectorApps: connections.listConnectorApps,
  setConnectorApp: connections.setConnectorApp,
  removeConnectorApp: connections.removeConnectorApp,
  authorizeConnection: connections.authorizeConnection,
  listConnections: connections.listConnections,
  createConnection: connections.createConnection,
  getConnection: connections.getConnection,
  pauseConnection: connections.pauseConnection,
  resumeConnection: connections.resumeConnection,
  resyncConnection: connections.resyncConnection,
  testConnection: connections.testConnection,
  removeConnection: connections.removeConnection,
  listRoles: roles.listRoles,
  setRole: roles.setRole,
  removeRole: roles.removeRole,
  listConnectionGrants: roles.listConnectionGrants,
  grantConnection: roles.grantConnection,
  revokeConnectionGrant: roles.revokeConnectionGrant,
  listRemoteSchemas: mappings.listRemoteSchemas,
  getRemoteSchema: mappings.getRemoteSchema,
  getMapping: mappings.getMapping,
  listMappingColumns: mappings.listMappingColumns,
  setMapping: mappings.setMapping,
  listActivity: activity.listActivity,
  listDeadLetters: activity.listDeadLetters,
  replayDeadLetter: activity.replayDeadLetter,
  listConflicts: activity.listConflicts,
  listAuditLog: records.listAuditLog,
  getRecordHistory: records.getRecordHistory,
  undeleteRecord: records.undeleteRecord,
  getRetention: retention.getRetention,
  previewRetention: retention.previewRetention,
  setRetention: retention.setRetention,
  listClusters: clusters.listClusters,
  addCluster: clusters.addCluster,
  setCluster: clusters.setCluster,
  checkCluster: clusters.checkCluster,
  listDatabases: clusters.listDatabases,
  listPlans: plans.listPlans,
  setPlan: plans.setPlan,
  listPlacements: plans.listPlacements,
  getPlacement: plans.getPlacement,
  setOrganizationPlan: plans.setOrganizationPlan,
  getOrganizationLimits: plans.getOrganizationLimits,
  setOrganizationLimits: plans.setOrganizationLimits,
  listAlerts: measures.listAlerts,
  listOrganizationAlerts: measures.listOrganizationAlerts,
  listUsage: measures.listUsage,
  getMeasures: measures.getMeasures,
  getAdvice: advice.getAdvice,
  getFindings: findings.getFindings,
  runFindings: findings.runFindings,
  listRollouts: rollouts.listRollouts,
  getRollout: rollouts.getRollout,
  planRollout: rollouts.planRollout,
  startRollout: rollouts.startRollout,
  cancelRollout: rollouts.cancelRollout,
  resumeRollout: rollouts.resumeRollout,
  getDrift: rollouts.getDrift,
} as const
export type Endpoints = typeof endpoints
export type EndpointId = keyof Endpoints
