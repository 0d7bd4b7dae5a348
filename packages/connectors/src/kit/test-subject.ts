// Runs the conformance suite against a sandbox account: accounts, clock, trouble, a person's consent and hand.
// For tests only: not exported from the package.
import { startSandbox } from '@rowhouse/sandbox'
import type { Hand } from '@rowhouse/sandbox'
import type { ConformancePerson, ConformanceSubject } from './conformance/subject.ts'
import type { Connector } from './connector.ts'
import { createHttp } from './create-http.ts'

/** Rate limits are of no interest here, except where trouble is asked for. */
const unlimited = { tenSecondlyMax: 1_000_000, searchSecondlyMax: 1_000_000, dailyMax: 10_000_000 }
const redirectUri = 'http://127.0.0.1:9/callback'

export type SandboxConformance = Pick<ConformanceSubject, 'objects' | 'wordings' | 'customName' | 'countsCalls'> & {
  /** How a person sets a reference; by a field, or by an association. */
  readonly refer: (hand: Hand, ...reference: Parameters<ConformancePerson['refer']>) => void
  /** The id of an account; 1 is the first. @default the sandbox chooses */
  readonly accountId?: (ordinal: number) => string
  /** What a new account has before any record that is tested. */
  readonly furnish?: (hand: Hand) => void
}

/** Starts a sandbox whose clock stands still until it is advanced. */
export async function sandboxSubject(
  connector: Connector,
  id: 'hubspot' | 'salesforce' | 'netsuite',
  { refer, accountId, furnish, ...answers }: SandboxConformance,
): Promise<ConformanceSubject> {
  // Ahead of the machine's clock, so that the Date header of an answer is never later than a record.
  let now = Math.ceil(Date.now() / 1000) * 1000 + 1000
  const sandbox = await startSandbox({ now: () => now })
  let accounts = 0
  return {
    ...answers,
    connector,
    advance: (durationMs) => void (now += durationMs),
    close: () => sandbox.close(),
    open() {
      const app = { clientId: `client-${++accounts}`, clientSecret: 'secret', redirectUri }
      const { clientId, clientSecret } = app
      const account = sandbox.createAccount({
        connector: id,
        ...(accountId === undefined ? {} : { id: accountId(accounts) }),
        name: `Account ${accounts}`,
        limits: unlimited,
        apps: [{ clientId, clientSecret, redirectUris: [redirectUri] }],
      })
      const baseUrl = account.url
      const hand = sandbox.person(account.id)
      furnish?.(hand)
      return Promise.resolve({
        id: account.id,
        baseUrl,
        app,
        http: createHttp({ baseUrl, accessToken: account.accessToken }),
        anonymous: createHttp({ baseUrl }),
        person: {
          ...hand,
          addObject: (name, label) => void hand.addObject(name, label),
          refer: (...reference) => refer(hand, ...reference),
        },
        withToken: (accessToken) => createHttp({ baseUrl, accessToken }),
        async consent(authorizeUrl) {
          const url = new URL(authorizeUrl)
          const form = new URLSearchParams([...url.searchParams, ['account', account.id], ['decision', 'approve']])
          const answer = await fetch(url.origin + url.pathname, { method: 'POST', body: form, redirect: 'manual' })
          const code = new URL(answer.headers.get('location') ?? 'http://none/').searchParams.get('code')
          if (code === null) throw new Error(`no code: ${answer.status} ${await answer.text()}`)
          return code
        },
        async trouble(settings) {
          const body = JSON.stringify({ account: account.id, ...settings })
          await fetch(`${sandbox.url}/_sandbox/chaos`, { method: 'POST', body })
        },
      })
    },
  }
}
