// A forged X-Forwarded-For, from the request to what is kept of it: the control plane's audit and the organization's change
// log hold the address that the connection, or a proxy that was named, vouches for. Anybody can write a header.
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'
import { startTestServer } from '../test-server.ts'
import type { TestServer } from '../test-server.ts'

const database = useTestDatabase()

interface Noted {
  readonly audit: string | null
  readonly changeLog: string | null
}

/** What is kept of a person who brings a note back. */
async function noted(trustedProxies: readonly string[], headers: Readonly<Record<string, string>>): Promise<Noted> {
  const server = await startTestServer(database(), { config: { trustedProxies } })
  try {
    const { worlds } = server
    const id = await deletedNote(worlds.a)
    const path = `/v1/organizations/${worlds.a.organizationId}/records/notes/${id}/undelete`
    const answer = await server.call('POST', path, { bearer: await server.token(worlds.a.ownerId), headers })
    expect(answer.status).toBe(200)
    const requestId = answer.headers.get('x-request-id')
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/)
    return await withClient(database().adminUrl, async (admin) => {
      const read = async (table: string): Promise<string | null> => {
        const { rows } = await admin.query<{ ip: string | null }>(
          `select distinct ip from rowhouse.${table} where request_id = $1`,
          [requestId],
        )
        expect(rows).toHaveLength(1)
        return rows[0]?.ip ?? null
      }
      return { audit: await read('control_audit'), changeLog: await read('change_log') }
    })
  } finally {
    await server.stop()
  }
}

async function deletedNote(world: TestServer['worlds']['a']): Promise<string> {
  return withClient(database().appUrl, async (app) => {
    const inside = async (text: string, values: unknown[]): Promise<string> => {
      await app.query('begin')
      await world.enter(app)
      const { rows } = await app.query<{ id: string }>(text, values)
      await app.query('commit')
      return rows[0]?.id ?? ''
    }
    const id = await inside("insert into notes (body) values ('gone') returning id", [])
    return inside('delete from notes where id = $1 returning id', [id])
  })
}

const both = (ip: string): Noted => ({ audit: ip, changeLog: ip })
const forged = '203.0.113.9'

describe('the address of a request', () => {
  it('is the connection’s own where no proxy is named, whatever the headers say', async () => {
    const headers = {
      'x-forwarded-for': forged,
      forwarded: `for=${forged}`,
      'x-real-ip': forged,
      'cf-connecting-ip': forged,
      'true-client-ip': forged,
    }
    expect(await noted([], headers)).toEqual(both('127.0.0.1'))
  })

  it('is what a named proxy was called from, not what the client wrote before it', async () => {
    const headers = { 'x-forwarded-for': `${forged}, 198.51.100.7` }
    expect(await noted(['127.0.0.1'], headers)).toEqual(both('198.51.100.7'))
    expect(
      await noted(['127.0.0.1', '198.51.100.0/24'], { 'x-forwarded-for': `${forged}, 192.0.2.1, 198.51.100.7` }),
    ).toEqual(both('192.0.2.1'))
  })

  it('is the proxy’s where it says nothing that is an address', async () => {
    expect(await noted(['127.0.0.1'], { 'x-forwarded-for': `${forged}, <script>` })).toEqual(both('127.0.0.1'))
  })

  it('would be what the client wrote, if every proxy were believed', async () => {
    const headers = { 'x-forwarded-for': `${forged}, 198.51.100.7` }
    expect(await noted(['0.0.0.0/0'], headers)).toEqual(both(forged))
  })
})
