import { z } from 'zod'
import { endpoint } from '../endpoint.ts'

export const rollout = z
  .object({
    id: z.uuid(),
    /** The migration that every home is to have. */
    target: z.string(),
    /** `interrupted`: whoever ran it is gone; the next `rowhouse migrate up` goes on with it. */
    state: z.enum(['running', 'interrupted', 'stopped', 'incomplete', 'done', 'superseded']),
    /** Name of the wave it is in. */
    wave: z.string().nullable(),
    wavesTotal: z.int(),
    homes: z.object({ total: z.int(), done: z.int(), failed: z.int(), blocked: z.int() }),
    startedBy: z.string(),
    startedAt: z.iso.datetime(),
    heartbeatAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().nullable(),
    /** Why it stopped. */
    code: z.string().nullable(),
    message: z.string().nullable(),
  })
  .meta({ id: 'Rollout' })
export type Rollout = z.infer<typeof rollout>

export const rolloutHome = z
  .object({
    homeId: z.uuid(),
    cluster: z.string(),
    databaseName: z.string().nullable(),
    schemaName: z.string(),
    organizationId: z.uuid().nullable(),
    slug: z.string().nullable(),
    /** `blocked`: its locks were not granted, or its database did not answer. */
    state: z.enum(['failed', 'blocked']),
    attempts: z.int(),
    code: z.string().nullable(),
    message: z.string().nullable(),
    /** The migration that failed, and the line of it. */
    version: z.string().nullable(),
    line: z.int().nullable(),
  })
  .meta({ id: 'RolloutHome' })
export type RolloutHome = z.infer<typeof rolloutHome>

export const listRollouts = endpoint({
  id: 'listRollouts',
  method: 'GET',
  path: '/v1/rollouts',
  summary: 'Rollouts of tenant migrations, newest first, and how many homes have which',
  tag: 'rollouts',
  access: 'operator',
  audit: null,
  query: z.object({ limit: z.coerce.number().int().min(1).max(100).default(20) }),
  response: z.object({
    items: z.array(rollout),
    /** Null: homes without any migration. */
    versions: z.array(z.object({ version: z.string().nullable(), homes: z.int() })),
  }),
})

export const getRollout = endpoint({
  id: 'getRollout',
  method: 'GET',
  path: '/v1/rollouts/:rolloutId',
  summary: 'One rollout, and the homes that failed or could not be reached or locked',
  tag: 'rollouts',
  access: 'operator',
  audit: null,
  response: z.object({ rollout, open: z.array(rolloutHome) }),
  errors: ['rollout_not_found'],
})

export const driftReport = z
  .object({
    checkedAt: z.iso.datetime(),
    target: z.string().nullable(),
    homes: z.int(),
    behind: z.int(),
    drifted: z.array(
      z.object({
        homeId: z.uuid(),
        name: z.string(),
        organizationId: z.uuid().nullable(),
        version: z.string().nullable(),
        /** What the home's own database says, where it differs from the ledger. */
        localVersion: z.string().nullable(),
        differences: z.array(z.object({ kind: z.enum(['missing', 'extra']), line: z.string() })),
        more: z.int(),
      }),
    ),
    unreachable: z.array(z.object({ homeId: z.uuid(), name: z.string(), reason: z.string() })),
  })
  .meta({ id: 'DriftReport' })

export const getDrift = endpoint({
  id: 'getDrift',
  method: 'GET',
  path: '/v1/drift',
  summary: 'The last report of `rowhouse migrate drift`; null before the first',
  tag: 'rollouts',
  access: 'operator',
  audit: null,
  response: z.object({ report: driftReport.nullable() }),
})
