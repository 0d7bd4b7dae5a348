// Whether a vault can be used: that it answers and is not sealed, that the login works, that the engine is KV of version 2,
// and that the policy gives what is needed. It reads and changes no secret.
import { isRowhouseError } from '@rowhouse/contracts'
import type { StoreCheck } from '../store.ts'
import type { Kv } from './kv.ts'
import type { ResolvedHashicorp } from './options.ts'
import type { Transport } from './transport.ts'

const needed = { data: ['create', 'read', 'update'], metadata: ['delete'] } as const

/** Health answers by its own statuses: 429 and 473 are standbys, which serve or forward. */
const unhealthy: Readonly<Record<number, readonly [string, string]>> = {
  501: ['is not initialized', 'Initialize it: vault operator init'],
  503: ['is sealed', 'Unseal it; connections wait meanwhile, and go on by themselves.'],
  472: ['is the active node of a disaster recovery secondary', 'Name the primary in VAULT_ADDR.'],
}

export async function checkHashicorp(options: ResolvedHashicorp, transport: Transport, kv: Kv): Promise<StoreCheck> {
  const { address, mount, path } = options
  try {
    const { status } = await transport.call({ method: 'GET', path: 'sys/health' })
    const trouble = unhealthy[status]
    if (trouble !== undefined) return { ok: false, message: `the vault at ${address} ${trouble[0]}`, fix: trouble[1] }
    const engine = await kv.look({ method: 'GET', path: `sys/internal/ui/mounts/${mount}` })
    const described = (engine.body['data'] ?? {}) as { type?: string; options?: { version?: string } | null }
    if (engine.status === 200 && (described.type !== 'kv' || described.options?.version !== '2'))
      return {
        ok: false,
        message: `${mount} is no KV engine of version 2`,
        fix: `Enable one: vault secrets enable -path=${mount} -version=2 kv; or name another in ROWHOUSE_VAULT_MOUNT.`,
      }
    const missing = await missingCapabilities(kv, mount, path)
    if (missing.length > 0)
      return {
        ok: false,
        message: `the policy of the token lacks ${missing.join(', ')}`,
        fix: 'Give its token or AppRole the policy of docs/credentials.md.',
      }
    return { ok: true, message: `the vault at ${address} answers, and lets ${mount}/${path} be used`, fix: null }
  } catch (error) {
    if (!isRowhouseError(error)) throw error
    return { ok: false, message: `${error.code}: ${error.message}`, fix: error.hint }
  }
}

async function missingCapabilities(kv: Kv, mount: string, path: string): Promise<string[]> {
  // Any organization and connection: what a policy says of the folder it says of them.
  const probe = '00000000-0000-4000-8000-000000000000'
  const pathOf = (kind: string): string => `${mount}/${kind}/${path}/${probe}/${probe}`
  const answer = await kv.look({
    method: 'POST',
    path: 'sys/capabilities-self',
    body: { paths: Object.keys(needed).map(pathOf) },
  })
  const found = (answer.body['data'] ?? {}) as Record<string, string[]>
  return Object.entries(needed).flatMap(([kind, wanted]) => {
    const has = found[pathOf(kind)] ?? []
    return has.includes('root')
      ? []
      : wanted.filter((one) => !has.includes(one)).map((one) => `${one} on ${pathOf(kind)}`)
  })
}
