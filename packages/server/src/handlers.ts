// Every endpoint's handler. A missing one does not compile.
import { activityHandlers } from './activity/handlers.ts'
import { clusterHandlers } from './clusters/handlers.ts'
import { connectionHandlers } from './connections/handlers.ts'
import { mappingHandlers } from './connections/mapping-handlers.ts'
import type { Handlers } from './context.ts'
import { findingHandlers } from './findings/handlers.ts'
import { invitationHandlers } from './invitations/handlers.ts'
import { measureHandlers } from './measures/handlers.ts'
import { organizationHandlers } from './organizations/handlers.ts'
import { planHandlers } from './plans/handlers.ts'
import { recordHandlers } from './records/handlers.ts'
import { retentionHandlers } from './retention/handlers.ts'
import { roleHandlers } from './roles/handlers.ts'
import { rolloutHandlers } from './rollouts/handlers.ts'
import { sessionHandlers } from './session/handlers.ts'

export const handlers: Handlers = {
  ...sessionHandlers,
  ...organizationHandlers,
  ...invitationHandlers,
  ...connectionHandlers,
  ...mappingHandlers,
  ...activityHandlers,
  ...recordHandlers,
  ...retentionHandlers,
  ...roleHandlers,
  ...clusterHandlers,
  ...planHandlers,
  ...findingHandlers,
  ...rolloutHandlers,
  ...measureHandlers,
}
