// The client against a simulated vault over real HTTP and HTTPS: logging in and staying logged in, check-and-set, and what it
// does when the vault is sealed, slow, cut off, behind a standby, or says no.
import { startVault, vaultCertificates } from '@rowhouse/sandbox'
import type { SimulatedVault, SimulatedVaultOptions } from '@rowhouse/sandbox'
import { afterEach, describe, expect, it } from 'vitest'
import { checkHashicorp } from './check.ts'
import { Kv } from './kv.ts'
import { resolveHashicorp } from './options.ts'
import type { HashicorpLogin, HashicorpOptions } from './options.ts'
import { Session } from './session.ts'
import { openTransport } from './transport.ts'
import type { Transport } from './transport.ts'

const POLICY = `
path "secret/data/rowhouse/*" { capabilities = ["create", "read", "update"] }
path "secret/metadata/rowhouse/*" { capabilities = ["delete"] }`
const soon = { timeout: 60_000, interval: 10 }

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function vaultWith(options: SimulatedVaultOptions = {}): Promise<SimulatedVault> {
  const vault = await startVault(options)
  closing.push(() => vault.close())
  for (const namespace of ['', ...(options.namespaces ?? [])]) vault.setPolicy('rowhouse', POLICY, namespace)
  return vault
}

interface Client {
  readonly kv: Kv
  readonly session: Session
  readonly transport: Transport
  readonly check: () => ReturnType<typeof checkHashicorp>
}

function clientOf(
  vault: { readonly url: string },
  login: HashicorpLogin,
  more: Partial<HashicorpOptions> = {},
): Client {
  const options = resolveHashicorp({ address: vault.url, login, ...more })
  const transport = openTransport(options)
  const session = new Session(options, transport)
  const kv = new Kv(session, transport)
  closing.push(async () => {
    session.close()
    await transport.close()
  })
  return { kv, session, transport, check: () => checkHashicorp(options, transport, kv) }
}

const tokenOf = (vault: SimulatedVault, input: Parameters<SimulatedVault['createToken']>[0] = {}): HashicorpLogin => ({
  method: 'token',
  token: vault.createToken({ policies: ['rowhouse'], ...input }),
})
const roleOf = (vault: SimulatedVault, input: object = {}, namespace = ''): HashicorpLogin => ({
  method: 'approle',
  ...vault.createRole('rowhouse', { policies: ['rowhouse'], ttlMs: 3_600_000, ...input }, namespace),
})
const count = (vault: SimulatedVault, path: string): number =>
  vault.requests.filter((request) => request.path === path).length
const PLACE = ['secret', 'rowhouse/o/c'] as const
const codeOf = async (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )

describe('secrets', () => {
  it('are written over the version that was read, and over nothing else', async () => {
    const vault = await vaultWith()
    const { kv } = clientOf(vault, tokenOf(vault))
    expect(await kv.read(...PLACE)).toEqual({ data: null, version: 0 })
    await kv.write(...PLACE, { n: 1 }, 0)
    const [first, second] = await Promise.all([kv.read(...PLACE), kv.read(...PLACE)])
    expect([first.version, second.version]).toEqual([1, 1])
    await kv.write(...PLACE, { n: 2 }, first.version)
    expect(await codeOf(kv.write(...PLACE, { n: 'late' }, second.version))).toBe('credential_store_conflict')
    expect(await kv.read(...PLACE)).toEqual({ data: { n: 2 }, version: 2 })
    const both = [kv.write(...PLACE, { n: 3 }, 2), kv.write(...PLACE, { n: 4 }, 2)].map((write) => codeOf(write))
    expect((await Promise.all(both)).toSorted()).toEqual(['credential_store_conflict', 'done'])
  })

  it('would lose the newer of two without the comparison', async () => {
    const vault = await vaultWith()
    const { transport } = clientOf(vault, tokenOf(vault))
    const write = (data: object): Promise<unknown> =>
      transport.call({ method: 'POST', path: 'secret/data/rowhouse/o/c', body: { data }, token: vault.rootToken })
    await write({ token: 'newer' })
    await write({ token: 'older, late' })
    expect(vault.engine('secret').current().get('rowhouse/o/c')).toEqual({ token: 'older, late' })
  })

  it('that were deleted or destroyed are not there, and can be written over', async () => {
    const vault = await vaultWith()
    const { kv } = clientOf(vault, tokenOf(vault))
    await kv.write(...PLACE, { n: 1 }, 0)
    vault.engine('secret').delete('rowhouse/o/c', null)
    expect(await kv.read(...PLACE)).toEqual({ data: null, version: 1 })
    await kv.write(...PLACE, { n: 2 }, 1)
    vault.engine('secret').destroy('rowhouse/o/c', [2])
    expect(await kv.read(...PLACE)).toEqual({ data: null, version: 2 })
  })

  it('are erased with every version, also ones that are not there', async () => {
    const vault = await vaultWith()
    const { kv } = clientOf(vault, tokenOf(vault))
    await kv.write(...PLACE, { n: 1 }, 0)
    await kv.write(...PLACE, { n: 2 }, 1)
    await kv.erase(...PLACE)
    await kv.erase(...PLACE)
    expect(vault.engine('secret').everything()).toEqual([])
  })
})

describe('an AppRole', () => {
  it('logs in once for everybody who needs a token at the same moment', async () => {
    const vault = await vaultWith()
    const { kv } = clientOf(vault, roleOf(vault))
    await Promise.all(Array.from({ length: 20 }, () => kv.read(...PLACE)))
    expect(count(vault, 'auth/approle/login')).toBe(1)
  })

  it('logs in again when its token is revoked, once, and goes on', async () => {
    const vault = await vaultWith()
    const { kv } = clientOf(vault, roleOf(vault))
    await kv.write(...PLACE, { n: 1 }, 0)
    vault.revokeTokens()
    const reads = await Promise.all(Array.from({ length: 5 }, () => kv.read(...PLACE)))
    expect(reads.map(({ version }) => version)).toEqual([1, 1, 1, 1, 1])
    expect(count(vault, 'auth/approle/login')).toBe(2)
  })

  it('logs in again when no renewal moves the end of its token any more', async () => {
    const vault = await vaultWith()
    const { kv } = clientOf(vault, roleOf(vault, { ttlMs: 900, maxTtlMs: 1000 }))
    await kv.read(...PLACE)
    await expect.poll(() => count(vault, 'auth/approle/login'), soon).toBeGreaterThan(1)
    expect(await codeOf(kv.read(...PLACE))).toBe('done')
  })

  it('does not log in over and over where a policy says no', async () => {
    const vault = await vaultWith()
    const { kv } = clientOf(vault, roleOf(vault, { policies: [] }))
    for (let n = 0; n < 5; n += 1) expect(await codeOf(kv.read(...PLACE))).toBe('credential_store_refused')
    expect(count(vault, 'auth/approle/login')).toBe(1)
  })

  it('that is refused is said, as is a secret id that was good for one login', async () => {
    const vault = await vaultWith()
    const wrong = clientOf(vault, { method: 'approle', roleId: 'nobody', secretId: 'nothing' })
    expect(await codeOf(wrong.kv.read(...PLACE))).toBe('credential_store_refused')
    const once = clientOf(vault, roleOf(vault, { secretIdUses: 1 }))
    expect(await codeOf(once.kv.read(...PLACE))).toBe('done')
    vault.revokeTokens()
    expect(await codeOf(once.kv.read(...PLACE))).toBe('credential_store_refused')
  })

  it('is one of its namespace', async () => {
    const vault = await vaultWith({ namespaces: ['team'] })
    const login = roleOf(vault, {}, 'team')
    const { kv } = clientOf(vault, login, { namespace: 'team' })
    await kv.write(...PLACE, { n: 1 }, 0)
    expect(vault.engine('secret', 'team').has('rowhouse/o/c')).toBe(true)
    expect(vault.engine('secret').has('rowhouse/o/c')).toBe(false)
    expect(await codeOf(clientOf(vault, login).kv.read(...PLACE))).toBe('credential_store_refused')
    expect(await codeOf(clientOf(vault, login, { namespace: 'none' }).kv.read(...PLACE))).toBe(
      'credential_store_refused',
    )
  })
})

describe('a token', () => {
  it('is renewed before it ends, as long as anything runs', async () => {
    const vault = await vaultWith()
    const ttlMs = 3000
    const { kv } = clientOf(vault, tokenOf(vault, { ttlMs }))
    await kv.write(...PLACE, { n: 1 }, 0)
    const began = Date.now()
    await expect.poll(() => Date.now() - began, soon).toBeGreaterThan(ttlMs)
    expect(count(vault, 'auth/token/renew-self')).toBeGreaterThan(0)
    expect(await kv.read(...PLACE)).toMatchObject({ version: 1 })
  })

  it('that has ended is refused with what to do about it', async () => {
    const clock = { offsetMs: 0 }
    const vault = await vaultWith({ now: () => Date.now() + clock.offsetMs })
    const { kv } = clientOf(vault, tokenOf(vault, { ttlMs: 3_600_000, renewable: false }))
    await kv.write(...PLACE, { n: 1 }, 0)
    clock.offsetMs = 3_600_000
    expect(await codeOf(kv.read(...PLACE))).toBe('credential_store_refused')
    await expect(kv.read(...PLACE)).rejects.toMatchObject({ hint: expect.stringContaining('AppRole') })
  })
})

describe('a vault', () => {
  it('that is sealed is said at once, and not asked again; unsealed it goes on', async () => {
    const vault = await vaultWith()
    const { kv } = clientOf(vault, tokenOf(vault))
    await kv.write(...PLACE, { n: 1 }, 0)
    vault.seal()
    const before = vault.requests.length
    expect(await codeOf(kv.read(...PLACE))).toBe('credential_store_sealed')
    expect(await codeOf(kv.write(...PLACE, { n: 2 }, 1))).toBe('credential_store_sealed')
    expect(vault.requests.length).toBe(before + 2)
    vault.unseal()
    await kv.write(...PLACE, { n: 2 }, 1)
  })

  it.each([412, 500, 502])('that answers %i for a moment is asked again', async (status) => {
    const vault = await vaultWith()
    const { kv } = clientOf(vault, tokenOf(vault))
    await kv.write(...PLACE, { n: 1 }, 0)
    let troubles = 2
    vault.trouble = () => (troubles-- > 0 ? { status, errors: ['not now'] } : null)
    expect(await kv.read(...PLACE)).toEqual({ data: { n: 1 }, version: 1 })
    troubles = 100
    expect(await codeOf(kv.read(...PLACE))).toBe('credential_store_unavailable')
  })

  it('whose answer to a write is lost has written it once', async () => {
    const vault = await vaultWith()
    const { kv } = clientOf(vault, tokenOf(vault))
    for (const [cas, trouble] of [
      [0, 'drop after'],
      [1, 'drop before'],
    ] as const) {
      let left = 1
      vault.trouble = ({ method }) => (method === 'POST' && left-- > 0 ? trouble : null)
      await kv.write(...PLACE, { n: cas + 1 }, cas)
      expect(await kv.read(...PLACE)).toEqual({ data: { n: cas + 1 }, version: cas + 1 })
    }
  })

  it('that does not answer is given up in time', async () => {
    const vault = await vaultWith()
    const { kv } = clientOf(vault, tokenOf(vault), { timeoutMs: 100 })
    vault.trouble = () => 'hang'
    const asked = kv.read(...PLACE)
    await expect(asked).rejects.toMatchObject({ code: 'credential_store_unavailable', retryable: true })
    await vault.close()
    await expect(kv.read(...PLACE)).rejects.toMatchObject({ code: 'credential_store_unavailable' })
  })

  it('that is a standby leads to the active one', async () => {
    const active = await vaultWith()
    const standby = await vaultWith({ standbyOf: active.url })
    const { check, kv } = clientOf(standby, tokenOf(active))
    await kv.write(...PLACE, { n: 1 }, 0)
    expect(await kv.read(...PLACE)).toMatchObject({ version: 1 })
    expect(await check()).toMatchObject({ ok: true })
  })

  it('that leads to another machine without encryption is not followed with the token', async () => {
    const standby = await vaultWith({ standbyOf: 'http://vault.example:8200' })
    const error = await clientOf(standby, tokenOf(standby))
      .kv.read(...PLACE)
      .catch((failure: unknown) => failure)
    // Not that the name was not found: nothing was asked there.
    expect(error).toMatchObject({ code: 'credential_store_unavailable', details: { reason: 'Error' } })
  })

  it('is believed with a certificate that is trusted, and never sends a token on to http', async () => {
    const { authority: ca, ...tls } = vaultCertificates
    const vault = await vaultWith({ tls })
    expect(await codeOf(clientOf(vault, tokenOf(vault), { ca }).kv.read(...PLACE))).toBe('done')
    await expect(clientOf(vault, tokenOf(vault)).kv.read(...PLACE)).rejects.toMatchObject({
      code: 'credential_store_unavailable',
      hint: expect.stringContaining('VAULT_CACERT'),
    })
    const plain = await vaultWith()
    const standby = await vaultWith({ tls, standbyOf: plain.url })
    expect(await codeOf(clientOf(standby, tokenOf(plain), { ca }).kv.read(...PLACE))).toBe(
      'credential_store_unavailable',
    )
    expect(plain.requests).toEqual([])
  })
})

describe('errors', () => {
  it('tell neither a token nor a secret, whatever goes wrong', async () => {
    const vault = await vaultWith()
    const login = tokenOf(vault)
    const { kv } = clientOf(vault, login)
    await kv.write(...PLACE, { token: 'planted secret' }, 0)
    const told: string[] = []
    const tell = async (asked: Promise<unknown>): Promise<void> => {
      await asked.catch((error: Error & { details?: unknown; hint?: string }) =>
        told.push(
          `${error.message} ${JSON.stringify(error.details)} ${error.hint} ${error.stack} ${String(error.cause)}`,
        ),
      )
    }
    await tell(kv.write(...PLACE, { token: 'planted secret' }, 7))
    for (const trouble of [{ status: 500 }, { status: 403, errors: ['permission denied'] }, 'drop before'] as const) {
      vault.trouble = () => trouble
      await tell(kv.write(...PLACE, { token: 'planted secret' }, 1))
      await tell(kv.read(...PLACE))
    }
    vault.trouble = null
    vault.seal()
    await tell(kv.read(...PLACE))
    const approle = roleOf(vault) as HashicorpLogin & { method: 'approle' }
    vault.unseal()
    await tell(clientOf(vault, { ...approle, roleId: 'nobody' }).kv.read(...PLACE))
    expect(told).toHaveLength(9)
    const secrets = [(login as { token: string }).token, approle.secretId, 'planted secret']
    for (const text of told) for (const secret of secrets) expect(text).not.toContain(secret)
  })
})

describe('looking at a vault', () => {
  it('says what is wrong and what to do, and changes nothing', async () => {
    const vault = await vaultWith({ mounts: ['secret', 'other'] })
    const good = clientOf(vault, tokenOf(vault))
    expect(await good.check()).toMatchObject({ ok: true, fix: null })
    const poor = await clientOf(vault, tokenOf(vault, { policies: [] })).check()
    expect(poor).toMatchObject({ ok: false, message: expect.stringContaining('create on secret/data/rowhouse/') })
    const elsewhere = await clientOf(vault, tokenOf(vault), { mount: 'other' }).check()
    expect(elsewhere).toMatchObject({ ok: false, message: expect.stringContaining('other/metadata') })
    const dead = await clientOf(vault, { method: 'token', token: 'hvs.none' }).check()
    expect(dead).toMatchObject({ ok: false, message: expect.stringContaining('credential_store_refused') })
    vault.seal()
    expect(await good.check()).toMatchObject({ ok: false, message: expect.stringContaining('is sealed') })
    expect(vault.engine('secret').everything()).toEqual([])
  })
})

describe('options', () => {
  const login: HashicorpLogin = { method: 'token', token: 't' }
  it.each([
    ['address', { address: 'vault.example' }],
    ['address', { address: 'http://vault.example:8200' }],
    ['address', { address: 'http://127.0.0.1.example:8200' }],
    ['mount', { mount: '../sys' }],
    ['path', { path: 'a//b' }],
    ['namespace', { namespace: 'a b' }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['login', { login: { method: 'token', token: 'two words' } as HashicorpLogin }],
  ])('refuse a bad %s without saying a secret', (_name, change) => {
    const make = (): unknown => resolveHashicorp({ address: 'https://vault.example', login, ...change })
    expect(make).toThrowError(expect.objectContaining({ code: 'invalid_option' }))
    expect(make).not.toThrowError(/two words/)
  })
})
