// What has a session of a home load beforehand lets nobody in.
import { useHomes, withClient } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'

describe.each(['schema', 'database'] as const)('the warming of a %s home', (model) => {
  const homes = useHomes(model)

  it('leaves no seal, whoever’s token it was given, and no lock', async () => {
    const { a } = homes()
    await withClient(a.url, async (client) => {
      const seen = async (enter: string): Promise<unknown> => {
        await client.query('begin')
        await client.query(enter, [a.token()])
        const { rows } = await client.query(
          'select rowhouse.organization_id() as id, count(*)::int as notes from notes',
        )
        await client.query('rollback')
        return rows[0]
      }
      expect(await seen(a.enter)).toEqual({ id: a.organizationId, notes: a.noteIds.length })
      expect(await seen('select rowhouse.warm_home($1)')).toEqual({ id: null, notes: 0 })
      await client.query('begin')
      const { rows: own } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      await client.query('select rowhouse.warm_home($1)', [a.token()])
      const { rows } = await withClient(homes().database.adminUrl, (admin) =>
        admin.query(`select from pg_locks where pid = $1 and locktype = 'advisory'`, [own[0]?.pid]),
      )
      await client.query('rollback')
      expect(rows).toEqual([])
    })
  })
})
