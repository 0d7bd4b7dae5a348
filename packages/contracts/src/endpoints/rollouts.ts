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

const checked = z.object({
  check: z.string(),
  line: z.int(),
  column: z.int(),
  message: z.string(),
  /** The safe way to the same end. */
  instead: z.string(),
})

export const rolloutPlan = z
  .object({
    /** The migration that every home will have; null where the folder holds none. */
    target: z.string().nullable(),
    /** Whether every home has it already. */
    upToDate: z.boolean(),
    /** Of exactly these files: said back to `POST /v1/rollouts` by whoever agrees to what is destroyed. */
    confirm: z.string(),
    homes: z.object({ total: z.int(), behind: z.int() }),
    /** The rollout that is gone on with, whose waves these are; null where another one is begun. */
    resumes: z
      .object({
        rolloutId: z.string(),
        state: z.enum(['running', 'interrupted', 'stopped', 'incomplete']),
        done: z.int(),
        of: z.int(),
      })
      .nullable(),
    waves: z.array(z.object({ name: z.string(), homes: z.int() })),
    migrations: z.array(
      z.object({
        file: z.string(),
        statements: z.int(),
        inTransaction: z.boolean(),
        together: z.boolean(),
        /** Each of them has the rollout refused. */
        problems: z.array(checked),
        allowed: z.array(checked.extend({ reason: z.string() })),
      }),
    ),
    /** What goes for good. */
    destroys: z.array(
      z.object({ file: z.string(), line: z.int(), check: z.string(), message: z.string(), reason: z.string() }),
    ),
  })
  .meta({ id: 'RolloutPlan' })
export type RolloutPlan = z.infer<typeof rolloutPlan>

const folderErrors = [
  'rollout_folder_missing',
  'migration_invalid',
  'tenant_migration_changed',
  'tenant_migration_missing',
  'migration_out_of_order',
] as const

export const planRollout = endpoint({
  id: 'planRollout',
  method: 'GET',
  path: '/v1/rollout-plan',
  summary: 'What a rollout of the server’s folder would do, and what speaks against it; changes nothing',
  tag: 'rollouts',
  access: 'operator',
  audit: null,
  response: rolloutPlan,
  errors: folderErrors,
})

const share = z.string().regex(/^\d{1,3}(\.\d{1,3})?%$/)

export const startRollout = endpoint({
  id: 'startRollout',
  method: 'POST',
  path: '/v1/rollouts',
  summary: 'Bring every home to the last migration of the server’s folder; answers when it has begun',
  tag: 'rollouts',
  access: 'operator',
  audit: 'rollout.start',
  body: z.strictObject({
    /** The `confirm` of the plan, by whoever has read what goes for good. */
    confirm: z.string().max(64).optional(),
    /** Organizations that come first: ids or slugs. */
    canaries: z.array(z.string().min(1).max(63)).max(1000).optional(),
    /** Percent of the homes reached by each wave, ascending, to 100. */
    waves: z.array(z.number().positive().max(100)).min(1).max(20).optional(),
    /** Homes that may fail: a number, or a share such as 1%. */
    errors: z.union([z.int().min(0), share]).optional(),
    connections: z.int().min(1).max(64).optional(),
    databases: z.int().min(1).max(256).optional(),
    lockTimeoutMs: z.int().min(1).max(60_000).optional(),
    lockAttempts: z.int().min(1).max(1000).optional(),
    /** Longest judgement of shared tables, which are locked meanwhile. */
    judgeTimeoutMs: z.int().min(1).max(3_600_000).optional(),
  }),
  /** Null: every home had it all, and nothing was begun. */
  response: z.object({ rollout: rollout.nullable() }),
  errors: [...folderErrors, 'rollout_running', 'migration_refused', 'rollout_unconfirmed'],
})

export const cancelRollout = endpoint({
  id: 'cancelRollout',
  method: 'POST',
  path: '/v1/rollouts/:rolloutId/cancel',
  summary: 'Stop between two homes, whoever runs it; homes that are done keep what they have',
  tag: 'rollouts',
  access: 'operator',
  audit: 'rollout.cancel',
  response: z.object({ rollout }),
  errors: ['rollout_not_found'],
})

export const resumeRollout = endpoint({
  id: 'resumeRollout',
  method: 'POST',
  path: '/v1/rollouts/:rolloutId/resume',
  summary: 'Go on with the last rollout, where it was interrupted, stopped or left incomplete',
  tag: 'rollouts',
  access: 'operator',
  audit: 'rollout.resume',
  body: z.strictObject({ confirm: z.string().max(64).optional() }),
  response: z.object({ rollout: rollout.nullable() }),
  errors: [
    ...folderErrors,
    'rollout_not_found',
    'rollout_not_resumable',
    'rollout_running',
    'migration_refused',
    'rollout_unconfirmed',
  ],
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
