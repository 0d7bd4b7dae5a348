import { z } from 'zod'
import { endpoint } from '../endpoint.ts'

export const retention = z
  .object({
    /** Days that lines of the change log are kept; null keeps them for ever. */
    days: z.int().nullable(),
    /** Whether the organization has a setting of its own, or its plan says. */
    source: z.enum(['organization', 'plan']),
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
