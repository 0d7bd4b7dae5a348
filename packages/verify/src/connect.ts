// A connection to a database under test, as any login: what it cannot do is said with a code.
import { RowhouseError } from '@rowhouse/contracts'
import { Client } from 'pg'

const CONNECT_TIMEOUT_MS = 15_000
const APPLICATION_NAME = 'rowhouse verify'
const VERSION_MIN = 150_000

/** @throws RowhouseError database_unreachable, database_login_refused, postgres_too_old */
export async function connect(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: APPLICATION_NAME,
  })
  // A connection that breaks between two queries fails the next one; without a listener it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ number: string }>(`select current_setting('server_version_num') as number`)
    if (Number(rows[0]?.number) < VERSION_MIN) throw new RowhouseError('postgres_too_old')
    return client
  } catch (cause) {
    await client.end().catch(() => {})
    if (cause instanceof RowhouseError) throw cause
    const refused = (cause as { code?: string }).code?.startsWith('28') === true
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RowhouseError(refused ? 'database_login_refused' : 'database_unreachable', `Cannot connect: ${reason}`, {
      cause,
    })
  }
}
