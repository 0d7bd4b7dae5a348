// What GET /v1/events streams (text/event-stream). Each event's `event:` is its type and its `data:`
// this JSON. `?organizationId=` narrows the stream to one organization and adds its activity.
import { z } from 'zod'
import { activityItem } from './endpoints/activity.ts'
import { connectionDetail } from './endpoints/connections.ts'
import { alert } from './endpoints/measures.ts'
import { organization } from './endpoints/organizations.ts'
import { rollout } from './endpoints/rollouts.ts'

export const serverEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('organization'), organization }),
  z.object({ type: z.literal('connection'), connection: connectionDetail }),
  /** How far the last rollout is; operators' streams of all organizations have it. */
  z.object({ type: z.literal('rollout'), rollout }),
  /** New items, or items whose status changed; oldest first. */
  z.object({ type: z.literal('activity'), organizationId: z.uuid(), items: z.array(activityItem) }),
  /** An alert that opened, changed or closed. */
  z.object({ type: z.literal('alert'), alert }),
])
export type ServerEvent = z.infer<typeof serverEvent>

export const eventsPath = '/v1/events'
