// Made-up alerts, measures and advice: an organization that is slow, one that was, and what their statements cost.
import type { Advice, Alert, Measures, Organization, Usage } from '@rowhouse/contracts'
import { FIXTURE_NOW_MS, ago, organizationOf, uuid } from './fixtures.ts'

const MINUTE_MS = 60_000

const texts = [
  'select c.id, c.email, c.first_name, c.last_name, d.amount from contacts c join deals d on d.contact_id = c.id where d.stage = any($1) order by d.amount desc limit ?',
  'select * from contacts where id = $1',
  'insert into notes (contact_id, body) values (…) returning id',
  'update companies set employees = $1, updated_at = now() where id = $2',
  'insert into rowhouse_home.sync_links (connection_id, object, local_id, remote_id) values (…) on conflict do nothing',
]

export type AlertsFixture = 'none' | 'some'

export function alertOf(index: number, isOpen = true): Alert {
  const { id, slug, name } = organizationOf(index)
  const factor = 4.2 + index * 1.7
  return {
    id: uuid(0xf, index + (isOpen ? 0 : 100)),
    organizationId: id,
    slug,
    name,
    kind: 'slow',
    beganAt: ago(isOpen ? 12 * MINUTE_MS : 200 * MINUTE_MS),
    openedAt: ago(isOpen ? 10 * MINUTE_MS : 198 * MINUTE_MS),
    closedAt: isOpen ? null : ago(150 * MINUTE_MS),
    closedBecause: isOpen ? null : 'recovered',
    p95Ms: isOpen ? 90 * factor : 84,
    baselineMs: 90,
    factor: isOpen ? factor : 0.9,
    peakFactor: factor + 1.9,
    reopened: 0,
    query: { fingerprint: `a1b2c3d4e5f6000${index % 10}`, text: texts[0] as string, p95Ms: 90 * factor + 60 },
  }
}

/** Of a person nobody shows the application's SQL to. */
export const withoutText = (alert: Alert): Alert => ({ ...alert, query: { ...alert.query, text: null } })

export function measuresOf(index: number): Measures {
  const { id } = organizationOf(index)
  const isSlow = index === 0
  // The ninth has asked nothing lately, and is too new to have anything usual.
  if (index === 9)
    return { organizationId: id, baselineMs: null, opensAtMs: null, minutes: [], history: [], statements: [] }
  const minutes = Array.from({ length: 60 }, (_, minute) => {
    const slow = isSlow && minute >= 48 ? 4.2 : 1
    const calls = 180 + ((minute * 37) % 60)
    return {
      at: new Date(Math.floor(FIXTURE_NOW_MS / MINUTE_MS) * MINUTE_MS - (60 - minute) * MINUTE_MS).toISOString(),
      calls,
      errors: minute % 17 === 3 ? 1 : 0,
      timeMs: calls * 14 * slow,
      rows: calls * 12,
      bytes: calls * 2400,
      p50Ms: 4 + (minute % 3),
      p95Ms: (82 + ((minute * 13) % 22)) * slow,
      maxMs: 190 * slow,
    }
  })
  return {
    organizationId: id,
    baselineMs: 90,
    opensAtMs: 270,
    minutes,
    history: Array.from({ length: 144 }, (_, window) => ({
      at: new Date(Math.floor(FIXTURE_NOW_MS / MINUTE_MS) * MINUTE_MS - (144 - window) * 10 * MINUTE_MS).toISOString(),
      calls: 1900 + ((window * 131) % 900),
      errors: window % 29 === 3 ? 7 : 0,
      timeMs: 28_000,
      rows: 22_000,
      bytes: 4_600_000,
      p50Ms: 5,
      p95Ms: 82 + ((window * 13) % 22),
    })),
    statements: texts.map((text, position) => ({
      fingerprint: `a1b2c3d4e5f6000${position}`,
      text,
      isBackground: position === 4,
      calls: 4200 - position * 900,
      errors: position === 2 ? 4 : 0,
      timeMs: 160_000 / (position + 1) ** 2,
      rows: 90_000 / (position + 1),
      bytes: 8_400_000 / (position + 1),
      p50Ms: 40 / (position + 1),
      p95Ms: (isSlow ? 438 : 96) / (position + 1),
    })),
  }
}

/** The first takes most of it, and the ninth asks nothing; of the others one is in the background alone. */
export function usageOf(minutes: number): Usage {
  const items = Array.from({ length: 13 }, (_, index) => index)
    .filter((index) => index !== 9)
    .map((index) => {
      const { id, slug, name } = organizationOf(index)
      const timeMs = (index === 0 ? 240_000 : 30_000 / (index + 1)) * (minutes / 5)
      const isBackground = index === 4
      return {
        organizationId: id,
        slug,
        name,
        calls: Math.round((9200 * minutes) / (index + 1)),
        errors: index % 5 === 2 ? 14 : 0,
        timeMs,
        rows: Math.round((120_000 * minutes) / (index + 1)),
        bytes: Math.round((9_000_000 * minutes) / (index + 1)),
        backgroundTimeMs: isBackground ? timeMs : index % 3 === 1 ? timeMs / 4 : 0,
        p95Ms: isBackground ? null : index === 0 ? 380 : 9 + index,
      }
    })
  const sum = (value: (item: Usage['items'][number]) => number): number =>
    items.reduce((total, item) => total + value(item), 0)
  return {
    minutes,
    total: {
      organizations: items.length,
      calls: sum(({ calls }) => calls),
      errors: sum(({ errors }) => errors),
      timeMs: sum(({ timeMs }) => timeMs),
      rows: sum(({ rows }) => rows),
      bytes: sum(({ bytes }) => bytes),
    },
    items,
  }
}

/** Where nobody asked anything. */
export const usageOfNone = (minutes: number): Usage => ({
  minutes,
  total: { organizations: 0, calls: 0, errors: 0, timeMs: 0, rows: 0, bytes: 0 },
  items: [],
})

export function adviceOf(organization: Organization, index: number): Advice {
  const isLarge = index === 0
  return {
    organizationId: organization.id,
    at: ago(4000),
    isolation: organization.isolation,
    cluster: 'main',
    region: 'default',
    plan: { id: organization.plan, isolation: organization.isolation, region: null, ownKey: false },
    advises: isLarge
      ? {
          change: 'move',
          isolation: 'schema',
          region: null,
          otherCluster: false,
          why: [
            'It has so many rows that its tables and indexes should be its own: those of others are vacuumed and read without them.',
          ],
        }
      : {
          change: 'stay',
          isolation: organization.isolation,
          region: null,
          otherCluster: false,
          why: ['Nothing speaks against it.'],
        },
    signals: [
      {
        signal: 'rows',
        value: isLarge ? 14_200_000 : 41_200,
        threshold: 10_000_000,
        unit: 'rows',
        isExceeded: isLarge,
        method: 'Postgres’ statistics of 9 tables: rows of the table and the organization’s share of them.',
        problem: null,
      },
      {
        signal: 'policy_time',
        value: 0.42,
        threshold: 5,
        unit: 'ms',
        isExceeded: false,
        method:
          'Measured now at 5 tables, worst at public.contacts: reading up to 1000 rows as the organization, against the same without policies; best of three.',
        problem: null,
      },
      {
        signal: 'connections',
        value: isLarge ? null : 34,
        threshold: 80,
        unit: 'percent',
        isExceeded: false,
        method: isLarge ? 'It could not be found out.' : '34 of 97 connections of the server, by pg_stat_database.',
        problem: isLarge ? 'database_unreachable' : null,
      },
      {
        signal: 'schemas',
        value: 12,
        threshold: 50,
        unit: 'schemas',
        isExceeded: false,
        method: 'Homes in schemas of the same database, as the catalogue knows them.',
        problem: null,
      },
      {
        signal: 'residency',
        value: 'default',
        threshold: null,
        unit: 'region',
        isExceeded: false,
        method: 'Its plan names no region.',
        problem: null,
      },
      {
        signal: 'own_key',
        value: false,
        threshold: null,
        unit: 'key',
        isExceeded: false,
        method: 'Its plan owes it no key of its own.',
        problem: null,
      },
    ],
  }
}
