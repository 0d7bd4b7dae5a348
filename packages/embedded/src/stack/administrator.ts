// Tells the control plane how the stack's own server is reached as its administrator, so that organizations can be given
// schemas and databases of their own. At every start: the port may be another one.
import { ApiError, createClient } from '@rowhouse/client'

export interface AdministratorOptions {
  readonly apiUrl: string
  readonly operatorKey: string
  /** The login that installed. */
  readonly adminUrl: string
  readonly log: (line: string) => void
}

/** A login that makes neither roles nor databases is enough for shared tables: then it is said, and the stack goes on. */
export async function nameAdministrator({ apiUrl, operatorKey, adminUrl, log }: AdministratorOptions): Promise<void> {
  const client = createClient({ baseUrl: apiUrl, headers: { authorization: `Bearer ${operatorKey}` } })
  try {
    await client.setCluster({ params: { clusterId: 'main' }, body: { url: adminUrl } })
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    log(`organizations live in shared tables only: ${error.message}`)
  }
}
