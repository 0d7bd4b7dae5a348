// Many organizations on few connections, all at once: every row that comes back belongs to who asked.
import { randomUUID } from 'node:crypto'

import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import { assert, asyncProperty, array, integer, record } from 'fast-check'
import { beforeAll, expect, test } from 'vitest'

import { createRowhouse } from './index.ts'

const ORGANIZATIONS = 20
const database = useTestDatabase()
const organizationIds: string[] = []

beforeAll(async () => {
  await createTwoWorlds(database())
  await withClient(database().controlUrl, async (control) => {
    for (let index = 0; index < ORGANIZATIONS; index += 1) {
      const { rows } = await control.query<{ id: string }>('select rowhouse.create_organization($1, $2, $3) as id', [
        `Fuzz ${index}`,
        `fuzz-${index}`,
        randomUUID(),
      ])
      organizationIds.push(...rows.map(({ id }) => id))
    }
  })
})

test.each([
  { connections: 1, preparedStatements: true },
  { connections: 3, preparedStatements: true },
  { connections: 3, preparedStatements: false },
])('$connections connections, named statements: $preparedStatements', async ({ connections, preparedStatements }) => {
  const rowhouse = createRowhouse({
    url: database().appUrl,
    signingKey: database().signingKey,
    pool: { max: connections },
    preparedStatements,
  })
  const handles = organizationIds.map((organizationId) => rowhouse.as({ organizationId, service: 'fuzz' }))
  const write = 'insert into notes (body) values ($1) returning organization_id'
  const read = 'select organization_id from notes where body like $1'
  const act = record({ who: integer({ min: 0, max: ORGANIZATIONS - 1 }), what: integer({ min: 0, max: 3 }) })
  let rowsSeen = 0
  await assert(
    asyncProperty(array(act, { minLength: 60, maxLength: 60 }), async (acts) => {
      const answers = await Promise.all(
        acts.map(async ({ who, what }) => {
          const handle = handles[who]
          if (handle === undefined) return []
          if (what === 0) return (await handle.query(write, ['fuzz'])).rows
          if (what === 1) return handle.transaction(async (tx) => (await tx.query(read, ['fuzz%'])).rows)
          if (what === 2)
            return handle.query('select 1 / 0').then(
              () => [],
              () => [],
            )
          return (await handle.query(read, ['fuzz%'])).rows
        }),
      )
      for (const [index, rows] of answers.entries()) {
        const own = organizationIds[acts[index]?.who ?? 0]
        rowsSeen += rows.length
        expect(rows.filter((row) => row['organization_id'] !== own)).toEqual([])
      }
    }),
    { numRuns: 20, seed: 7_264_822 },
  )
  expect(rowsSeen).toBeGreaterThan(100)
  expect(rowhouse.connections).toMatchObject({ busy: 0, waiting: 0 })
  await rowhouse.close()
})
