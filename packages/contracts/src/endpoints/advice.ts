import { z } from 'zod'
import { endpoint } from '../endpoint.ts'
import { isolationModel } from './organizations.ts'

export const adviceSignals = ['rows', 'policy_time', 'connections', 'schemas', 'residency', 'own_key'] as const

export const adviceSignal = z
  .object({
    signal: z.enum(adviceSignals),
    /** What was found; null where it could not be. A region or yes and no where that is what is asked. */
    value: z.union([z.number(), z.string(), z.boolean()]).nullable(),
    /** From where on it speaks for another home; null where nothing is asked for. */
    threshold: z.union([z.number(), z.string(), z.boolean()]).nullable(),
    unit: z.enum(['rows', 'ms', 'percent', 'schemas', 'region', 'key']),
    isExceeded: z.boolean(),
    /** How it was found, and how exact it is. */
    method: z.string(),
    /** The code of what kept it from being found. */
    problem: z.string().nullable(),
  })
  .meta({ id: 'AdviceSignal' })
export type AdviceSignal = z.infer<typeof adviceSignal>

export const advice = z
  .object({
    organizationId: z.uuid(),
    at: z.iso.datetime(),
    /** Where it is, and what its plan asks for. */
    isolation: isolationModel,
    cluster: z.string(),
    region: z.string(),
    plan: z.object({ id: z.string(), isolation: isolationModel, region: z.string().nullable(), ownKey: z.boolean() }),
    advises: z.object({
      change: z.enum(['stay', 'move']),
      isolation: isolationModel,
      /** Another region than it is in; null: the one it is in. */
      region: z.string().nullable(),
      /** Another server than it is on. */
      otherCluster: z.boolean(),
      /** One sentence for each reason. */
      why: z.array(z.string()),
    }),
    signals: z.array(adviceSignal),
  })
  .meta({ id: 'Advice' })
export type Advice = z.infer<typeof advice>

export const getAdvice = endpoint({
  id: 'getAdvice',
  method: 'GET',
  path: '/v1/organizations/:organizationId/advice',
  summary: 'Whether the organization should live elsewhere, with the numbers that say so. Nothing is scanned for it',
  tag: 'measures',
  access: 'operator',
  audit: null,
  response: advice,
  errors: ['organization_not_found'],
})
