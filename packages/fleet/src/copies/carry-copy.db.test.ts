// A copy that a home refuses: because somebody was faster, which is well, or because the home is ahead of the catalogue, which
// leaves whoever was removed where they were.
import { useHomes, withClient } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'

import { carryCopy } from './carry-copy.ts'
import type { Catalogue } from './carry-copy.ts'

const homes = useHomes('database')
const admin = <Row extends object>(url: string, text: string, values: unknown[] = []): Promise<Row[]> =>
  withClient(url, async (client) => (await client.query<Row>(text, values)).rows)
const due = () =>
  admin<{ error: string | null }>(homes().database.adminUrl, 'select error from rowhouse.copies_due order by 1')
const remove = (userId: string) =>
  homes().changeCatalogue('delete from rowhouse.members where organization_id = $1 and user_id = $2', [
    homes().a.organizationId,
    userId,
  ])
const membersAtHome = async (): Promise<string[]> => {
  const { a } = homes()
  const rows = await admin<{ user_id: string }>(
    a.home?.adminUrl ?? '',
    'select user_id from rowhouse.members where organization_id = $1',
    [a.organizationId],
  )
  return rows.map(({ user_id: id }) => id)
}

/** Carries over a catalogue that does something first when the home has refused or answered: `between` the two halves. */
const carry = (between: () => Promise<unknown> = () => Promise.resolve()): Promise<void> => {
  const { a, database } = homes()
  return withClient(database.controlUrl, async (client) => {
    let isFirst = true
    const catalogue: Catalogue = {
      query: async (text, values) => {
        const answer = await client.query(text, values)
        if (isFirst) {
          isFirst = false
          await between()
        }
        return answer
      },
    }
    await carryCopy({ catalogue, catalogueUrl: database.adminUrl, signingKey: database.signingKey }, a.organizationId)
  })
}

describe('a copy that the home refuses', () => {
  it('because a newer one came first is none that is missing: what is due is carried next', async () => {
    const { a } = homes()
    await remove(a.viewerId)
    await carry(async () => {
      await remove(a.memberId)
      await carry()
    })
    expect(await membersAtHome()).toEqual([a.ownerId])
    await carry()
    expect(await due()).toEqual([])
  })

  it('because it is ahead of the catalogue stays due and says so; settled, a removed member would stay', async () => {
    const { a, database } = homes()
    const person = '33333333-3333-4333-8333-333333333333'
    await homes().change(a, `insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'admin')`, [
      a.organizationId,
      person,
    ])
    // The catalogue was restored from a backup: the home has heard of versions that it does not know.
    await admin(database.adminUrl, `update rowhouse.organizations set version = version - 1 where id = $1`, [
      a.organizationId,
    ])
    await admin(
      a.home?.adminUrl ?? '',
      'update rowhouse.catalogue_copies set version = version + 5 where organization_id = $1',
      [a.organizationId],
    )
    await remove(person)
    await expect(carry()).rejects.toMatchObject({ code: 'copy_refused' })
    expect(await due()).toEqual([{ error: 'copy_refused' }])
    expect(await membersAtHome()).toContain(person)
    // As the operator is told to: the catalogue is the newest again.
    await admin(database.adminUrl, `update rowhouse.organizations set version = version + 1000000 where id = $1`, [
      a.organizationId,
    ])
    await carry()
    expect(await membersAtHome()).not.toContain(person)
    expect(await due()).toEqual([])
  })
})
