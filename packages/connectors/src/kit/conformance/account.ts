// The account, its credentials, and the description of the provider.
import { beforeAll, describe, expect, it } from 'vitest'
import { failing, valueOf } from './scene.ts'
import type { ConformanceAccount, ConformanceSubject } from './subject.ts'

export function testAccount(subject: ConformanceSubject): void {
  const { connector, objects } = subject
  const description = connector.describe()
  let account: ConformanceAccount
  beforeAll(async () => {
    account = await subject.open()
  })

  describe('the account', () => {
    it('is named', async () => {
      expect(valueOf(await connector.identify(account.http)).account).toBe(account.id)
    })

    it('is prepared any number of times', async () => {
      const names = objects.filter(({ made }) => made === undefined).map(({ object }) => object)
      expect(await connector.prepare(account.http, names)).toEqual({ ok: true, value: null })
      expect(await connector.prepare(account.http, names)).toEqual({ ok: true, value: null })
    })

    it(`${subject.countsCalls ? 'tells' : 'does not tell'} its own count of calls with every answer`, async () => {
      const used: number[] = []
      const listening = {
        request: async (request: Parameters<typeof account.http.request>[0]) => {
          const answer = await account.http.request(request)
          used.push(...connector.usage(answer).map((usage) => usage.used))
          for (const { budget, limit } of connector.usage(answer)) {
            expect(description.budgets.map(({ name }) => name)).toContain(budget)
            expect(limit).toBeGreaterThan(0)
          }
          return answer
        },
      }
      const selection = { object: objects[0]!.object, fields: [objects[0]!.text], references: [] }
      for (let calls = 0; calls < 3; calls++) valueOf(await connector.list(listening, selection, null, 1))
      expect(used.length >= 3).toBe(subject.countsCalls)
      expect((used.at(-1) ?? 0) > (used[0] ?? 0)).toBe(subject.countsCalls)
    })
  })

  describe('credentials', () => {
    it('are exchanged, refreshed and revoked', async () => {
      const { app, anonymous, baseUrl } = account
      // The example of RFC 7636, appendix B.
      const codeVerifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
      const request = {
        state: 'state-1-of-more-than-22-characters',
        codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      }
      const code = await account.consent(connector.oauth.authorizeUrl(app, request, baseUrl))
      const credentials = valueOf(await connector.oauth.exchange(anonymous, app, { code, codeVerifier }))
      const identity = await connector.identify(account.withToken(credentials.accessToken))
      expect(valueOf(identity).account).toBe(account.id)
      expect(await connector.oauth.exchange(anonymous, app, { code, codeVerifier })).toMatchObject(failing('pause'))

      const refreshed = valueOf(await connector.oauth.refresh(anonymous, app, credentials))
      expect(refreshed.refreshToken).not.toBeNull()
      expect(valueOf(await connector.identify(account.withToken(refreshed.accessToken))).account).toBe(account.id)

      expect(await connector.oauth.revoke(anonymous, app, refreshed)).toEqual({ ok: true, value: null })
      expect(await connector.oauth.refresh(anonymous, app, refreshed)).toMatchObject(failing('pause'))
      expect(await connector.oauth.revoke(anonymous, app, refreshed)).toEqual({ ok: true, value: null })
    })

    it('without a refresh token, or with a wrong secret, ask for a person', async () => {
      const credentials = { accessToken: 'a', refreshToken: null, expiresAtMs: null, instanceUrl: null, scopes: null }
      const { app, anonymous } = account
      expect(await connector.oauth.refresh(anonymous, app, credentials)).toMatchObject(failing('pause'))
      const wrong = { ...app, clientSecret: 'wrong' }
      const known = { ...credentials, refreshToken: 'r' }
      expect(await connector.oauth.refresh(anonymous, wrong, known)).toMatchObject(failing('pause'))
    })
  })

  describe('the description', () => {
    it('maps only objects, fields and references that exist and may be written, parents first', () => {
      const earlier: string[] = []
      for (const mapping of description.defaultMapping) {
        const object = description.objects.find(({ name }) => name === mapping.object)!
        for (const { field } of mapping.fields) expect(object.readOnlyFields).not.toContain(field)
        for (const { reference } of mapping.references) {
          const parent = object.references.find(({ name }) => name === reference)?.object
          expect(earlier).toContain(parent)
        }
        for (const column of mapping.matchBy) {
          const { field } = mapping.fields.find((entry) => entry.column === column)!
          expect(object.uniqueFields).toContain(field)
        }
        earlier.push(mapping.object)
      }
    })

    it('has a budget of the name default', () => {
      expect(description.budgets.map(({ name }) => name)).toContain('default')
    })

    it('says that it keeps a history exactly where it tells one', () => {
      expect(connector.history !== undefined).toBe(description.capabilities.fieldHistory)
    })

    it('is certified object by object', () => {
      const certified = objects.filter(({ made }) => made === undefined).map(({ object }) => object)
      expect(certified.toSorted()).toEqual(description.objects.map(({ name }) => name).toSorted())
    })
  })
}
