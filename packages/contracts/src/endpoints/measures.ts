import { z } from 'zod'
import { endpoint } from '../endpoint.ts'

const amounts = {
  calls: z.int(),
  errors: z.int(),
  /** All statements together. */
  timeMs: z.number(),
  rows: z.int(),
  /** On the wire, both ways. */
  bytes: z.int(),
}

export const alert = z
  .object({
    id: z.uuid(),
    organizationId: z.uuid(),
    slug: z.string(),
    name: z.string(),
    /** `slow`: its p95 left what is usual for it. */
    kind: z.enum(['slow']),
    /** The first of the minutes in which it was slow. */
    beganAt: z.iso.datetime(),
    openedAt: z.iso.datetime(),
    closedAt: z.iso.datetime().nullable(),
    /** `recovered`: as quick as usual · `quiet`: too few statements to say · `usual`: what was slow has become usual. */
    closedBecause: z.enum(['recovered', 'quiet', 'usual']).nullable(),
    /** The p95 of the last minutes, or of those before it closed; of what is usual; and how many times as much. */
    p95Ms: z.number(),
    baselineMs: z.number(),
    factor: z.number(),
    /** The most since it opened. */
    peakFactor: z.number(),
    /** How often it came back within ten minutes. */
    reopened: z.int(),
    /** The shape that took most of the time that was too much. */
    query: z.object({
      fingerprint: z.string(),
      /** Without literals and comments. Null for who is no operator: it is the application's SQL. */
      text: z.string().nullable(),
      p95Ms: z.number(),
    }),
  })
  .meta({ id: 'Alert' })
export type Alert = z.infer<typeof alert>

const state = z.enum(['open', 'closed', 'all'])

export const listAlerts = endpoint({
  id: 'listAlerts',
  method: 'GET',
  path: '/v1/alerts',
  summary: 'Organizations that are slower than they usually are: of all for an operator, of their own for a person',
  tag: 'measures',
  access: 'signed_in',
  audit: null,
  query: z.object({
    state: state.default('open'),
    /** The `next` of the page before. */
    cursor: z
      .string()
      .regex(/^\d{1,16}_[0-9a-f-]{36}$/, 'not the `next` of a page')
      .optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  /** Newest first. */
  response: z.object({ items: z.array(alert), next: z.string().nullable() }),
})

export const listOrganizationAlerts = endpoint({
  id: 'listOrganizationAlerts',
  method: 'GET',
  path: '/v1/organizations/:organizationId/alerts',
  summary: 'When the organization was slower than it usually is, newest first',
  tag: 'measures',
  access: { permission: 'organization.read' },
  audit: null,
  query: z.object({
    state: state.default('all'),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  response: z.object({ items: z.array(alert) }),
  errors: ['organization_not_found'],
})

export const usage = z
  .object({
    /** What was counted in so many last minutes. */
    minutes: z.int(),
    /** Over all organizations that asked anything, and how many they are. */
    total: z.object({ organizations: z.int(), ...amounts }),
    /** Those whose statements took the most time, the most first. */
    items: z.array(
      z.object({
        organizationId: z.uuid(),
        slug: z.string(),
        name: z.string(),
        ...amounts,
        /** Of the time: sync, reports and the control plane. */
        backgroundTimeMs: z.number(),
        /** Of what its application asked; null where it asked nothing. */
        p95Ms: z.number().nullable(),
      }),
    ),
  })
  .meta({ id: 'Usage' })
export type Usage = z.infer<typeof usage>

export const listUsage = endpoint({
  id: 'listUsage',
  method: 'GET',
  path: '/v1/usage',
  summary: 'Who loads the databases: the organizations whose statements took the most time, and what all took together',
  tag: 'measures',
  access: 'operator',
  audit: null,
  query: z.object({
    minutes: z.coerce.number().int().min(1).max(60).default(5),
    limit: z.coerce.number().int().min(1).max(100).default(20),
  }),
  response: usage,
})

export const measures = z
  .object({
    organizationId: z.uuid(),
    /** The median p95 of a day; null while less than two hours are known. */
    baselineMs: z.number().nullable(),
    /** The p95 that opens an alert; null without a baseline. */
    opensAtMs: z.number().nullable(),
    /** What its application asked in the last hour, oldest first; minutes without statements are left out. */
    minutes: z.array(
      z.object({ at: z.iso.datetime(), ...amounts, p50Ms: z.number(), p95Ms: z.number(), maxMs: z.number() }),
    ),
    /** Windows of ten minutes of the last day, oldest first. */
    history: z.array(z.object({ at: z.iso.datetime(), ...amounts, p50Ms: z.number(), p95Ms: z.number() })),
    /** Shapes of the last hour, those that took the most time first; at most 20. */
    statements: z.array(
      z.object({
        fingerprint: z.string(),
        text: z.string(),
        /** Asked by sync, a report or the control plane: it loads the database, and is no measure of the application. */
        isBackground: z.boolean(),
        ...amounts,
        p50Ms: z.number(),
        p95Ms: z.number(),
      }),
    ),
  })
  .meta({ id: 'Measures' })
export type Measures = z.infer<typeof measures>

export const getMeasures = endpoint({
  id: 'getMeasures',
  method: 'GET',
  path: '/v1/organizations/:organizationId/measures',
  summary: 'What the organization’s statements cost: time, rows, bytes and errors, by minute and by shape',
  tag: 'measures',
  access: 'operator',
  audit: null,
  response: measures,
  errors: ['organization_not_found'],
})
