import { z } from 'zod'
import { endpoint } from '../endpoint.ts'

/** As the database has it, which refuses anything else: `rowhouse.check_retention`. */
export const RETENTION_DAYS_MIN = 30
export const RETENTION_DAYS_MAX = 36_500

export const retention = z
  .object({
    /** Days that lines of the change log are kept; null keeps them for ever. */
    days: z.int().nullable(),
    /** Whether the organization has a setting of its own, or its plan says. */
    source: z.enum(['organization', 'plan']),
    /** What the plan says: what holds where the organization has no setting of its own. */
    planDays: z.int().nullable(),
  })
  .meta({ id: 'Retention' })
export type Retention = z.infer<typeof retention>

export const getRetention = endpoint({
  id: 'getRetention',
  method: 'GET',
  path: '/v1/organizations/:organizationId/retention',
  summary: 'How long the change log is kept',
  tag: 'activity',
  access: { permission: 'organization.read' },
  audit: null,
  response: retention,
  errors: ['organization_not_found'],
})

export const previewRetention = endpoint({
  id: 'previewRetention',
  method: 'GET',
  path: '/v1/organizations/:organizationId/retention/preview',
  summary: 'How many lines of the change log would be too old if it were kept for so many days',
  tag: 'activity',
  access: { permission: 'activity.read' },
  audit: null,
  query: z.object({
    /** 30 to 36500; without it, for ever. */
    days: z.coerce.number().pipe(z.int32()).optional(),
  }),
  response: z.object({
    /** Lines before this moment; null where lines are kept for ever. */
    before: z.iso.datetime().nullable(),
    /** Counted up to 100,000. They go once they are sealed and every connection has read them. */
    lines: z.int(),
    hasMore: z.boolean(),
    /** When the first of them was written; null where there is none. */
    oldestAt: z.iso.datetime().nullable(),
  }),
  errors: ['organization_not_found', 'retention_out_of_bounds'],
})

export const setRetention = endpoint({
  id: 'setRetention',
  method: 'PUT',
  path: '/v1/organizations/:organizationId/retention',
  summary: 'Keep the change log for so many days, for ever, or as the plan says',
  tag: 'activity',
  access: { permission: 'organization.manage' },
  audit: 'retention.set',
  body: z
    .object({
      /** 30 to 36500; null keeps for ever. */
      days: z.int32().nullable().optional(),
      followPlan: z.literal(true).optional(),
    })
    .refine(({ days, followPlan }) => (days === undefined) !== (followPlan === undefined), {
      message: 'give either days or followPlan',
    }),
  response: retention,
  errors: ['organization_not_found', 'retention_out_of_bounds'],
})
