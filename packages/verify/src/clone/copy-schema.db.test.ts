// The copy is the source's equal: on a schema of Rowhouse, and on one of each kind of object that Postgres knows.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

import type { NotCovered } from '../report/report.ts'
import { copySchema } from './copy-schema.ts'
import { compareFingerprints, fingerprint } from './fingerprint.ts'
import { readCatalogue } from './read-catalogue.ts'
import { openScratch } from './scratch.ts'

const database = useTestDatabase()

interface Copied {
  readonly notCovered: readonly NotCovered[]
  readonly differences: readonly NotCovered[]
}

async function copyOf(url: string): Promise<Copied> {
  const scratch = await openScratch(url, { scratch: 'same-server' })
  try {
    const source = await withClient(url, async (client) => ({
      catalogue: await readCatalogue(client),
      lines: await fingerprint(client),
    }))
    const { url: copy } = await scratch.create(source.catalogue.database)
    return await withClient(copy, async (client) => {
      const notCovered = await copySchema(source.catalogue, client)
      return { notCovered, differences: compareFingerprints(source.lines, await fingerprint(client), true) }
    })
  } finally {
    await scratch.close()
  }
}

describe('a copied schema', () => {
  it('of a database with Rowhouse is the same', async () => {
    expect(await copyOf(database().adminUrl)).toEqual({ notCovered: [], differences: [] })
  })

  describe('of one of each kind of object', () => {
    let copied: Copied
    beforeAll(async () => {
      const sql = readFileSync(join(import.meta.dirname, 'fixtures/torture.sql'), 'utf8')
      await withClient(database().adminUrl, (admin) => admin.query(sql))
      copied = await copyOf(database().adminUrl)
    })

    it('differs only where something reaches outside', () => {
      expect(copied.notCovered.map(({ object, reason }) => `${object}: ${reason}`)).toEqual([
        'extension dblink: it reaches outside the database; it raises an error in scratch',
        'extension postgres_fdw: it reaches outside the database; it raises an error in scratch',
        'function torture.outside(): it reaches outside: COPY … PROGRAM; it raises an error in scratch',
        'function torture.remote(): it reaches outside: dblink; it raises an error in scratch',
        'setting app.jwt_secret: its value may be a secret; scratch has another',
        'event trigger tell_ddl: it notifies listeners',
      ])
      expect(copied.differences.map(({ object }) => object)).toEqual([
        'event trigger tell_ddl',
        'function torture.outside()',
        'function torture.remote()',
        'setting app.jwt_secret',
      ])
    })
  })
})
