// Every code Rowhouse can refuse with, by area. A code is permanent: programs match on it, documents link to it.
// Adding one to its area's file is enough for the API, the CLI and the documentation to know it.
import type { ErrorCodeEntry } from './code.ts'
import { configurationCodes } from './configuration.ts'
import { databaseCodes } from './database.ts'
import { contextCodes } from './context.ts'
import { statementsCodes } from './statements.ts'
import { protectCodes } from './protect.ts'
import { gatewayCodes } from './gateway.ts'
import { membershipsCodes } from './memberships.ts'
import { auditCodes } from './audit.ts'
import { adoptCodes } from './adopt.ts'
import { rolloutsCodes } from './rollouts.ts'
import { fleetCodes } from './fleet.ts'
import { identityCodes } from './identity.ts'
import { apiCodes } from './api.ts'
import { syncCodes } from './sync.ts'
import { credentialsCodes } from './credentials.ts'
import { reportsCodes } from './reports.ts'
import { verifyCodes } from './verify.ts'

export const errorCodes = {
  ...configurationCodes,
  ...databaseCodes,
  ...contextCodes,
  ...statementsCodes,
  ...protectCodes,
  ...gatewayCodes,
  ...membershipsCodes,
  ...auditCodes,
  ...adoptCodes,
  ...rolloutsCodes,
  ...fleetCodes,
  ...identityCodes,
  ...apiCodes,
  ...syncCodes,
  ...credentialsCodes,
  ...reportsCodes,
  ...verifyCodes,
} as const satisfies Record<string, ErrorCodeEntry>

export type ErrorCode = keyof typeof errorCodes
