// NetSuite's login: OAuth 2.0 codes with PKCE, refresh for seven days, machine-to-machine with a signed
// assertion, revocation. Owns bodies and errors; tokens.ts has the tokens.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/chapter_157769826287.html
import { timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import type { Context } from 'hono'
import { Refusal } from '../http/refusal.ts'
import type { Account } from '../oauth/account.ts'
import type { RegisteredApp } from '../oauth/accounts.ts'
import { consentRoutes } from '../oauth/consent.ts'
import { accessTokenLifetimeMs } from '../oauth/editions.ts'
import { logGrant } from '../oauth/grant-log.ts'
import { verifierMatches } from '../oauth/tokens.ts'
import type { Env, World } from '../world.ts'
import { checkAssertion, claimedIssuer } from './assertion.ts'

const base = '/services/rest/auth/oauth2/v1'
const refreshLifetimeMs = 7 * 86_400_000
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
export const webServicesScope = 'rest_webservices'

export function oauthRoutes(world: World): Hono<Env> {
  const app = new Hono<Env>()
  for (const domain of ['', '/:portal']) {
    app.route('/', consentRoutes(world, 'netsuite', `${domain}/app/login/oauth2/authorize.nl`))
    app.route(domain === '' ? '/' : domain, tokenRoutes(world))
  }
  return app
}

function tokenRoutes(world: World): Hono<Env> {
  const app = new Hono<Env>()
  app.post(`${base}/token`, async (context) => {
    const form = await readForm(context)
    const answer = logGrant(world, context, form, () => grant(world, context, form))
    world.store.commit()
    return context.json(answer)
  })
  app.post(`${base}/revoke`, async (context) => {
    const form = await readForm(context)
    const client = authenticate(world, context)
    const token = world.tokens.find(form['token'] ?? '', 'refresh', 'access')
    // A refresh token takes its access tokens along.
    if (token && token.clientId === client.clientId) world.tokens.revokeFamily(token)
    world.store.commit()
    return context.body(null, 200)
  })
  return app
}

async function readForm(context: Context<Env>): Promise<Record<string, string>> {
  return Object.fromEntries(new URLSearchParams(await context.req.text()))
}

function refuse(error: string, status = 400): Refusal {
  return new Refusal(status, { error })
}

/** The app by HTTP Basic. Throws invalid_client. */
function authenticate(world: World, context: Context<Env>): RegisteredApp {
  const encoded = /^Basic (.+)$/i.exec(context.req.header('authorization') ?? '')?.[1] ?? ''
  const [clientId = '', ...secret] = Buffer.from(encoded, 'base64').toString().split(':')
  const app = world.accounts.app('netsuite', decode(clientId))
  const [given, wanted] = [Buffer.from(decode(secret.join(':'))), Buffer.from(app?.clientSecret ?? '')]
  if (!app || given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw refuse('invalid_client', 401)
  return app
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function grant(world: World, context: Context<Env>, form: Readonly<Record<string, string>>): Record<string, unknown> {
  switch (form['grant_type'] ?? '') {
    case 'authorization_code': {
      const app = authenticate(world, context)
      const code = world.tokens.find(form['code'] ?? '', 'code')
      if (!code || code.clientId !== app.clientId || world.tokens.state(code) !== 'valid') throw refuse('invalid_grant')
      if (code.redirectUri !== form['redirect_uri'] || !verifierMatches(code, form['code_verifier']))
        throw refuse('invalid_grant')
      world.tokens.spend(code)
      const account = world.accounts.find(code.account)!
      const refresh = world.tokens.issue(
        { kind: 'refresh', account, app, scopes: code.scopes, lifetimeMs: refreshLifetimeMs },
        (letters) => `eyJ.refresh.${letters.slice(0, 60)}`,
      )
      return { ...issueAccess(world, account, app, refresh.scopes, refresh.value), refresh_token: refresh.value }
    }
    case 'refresh_token': {
      const app = authenticate(world, context)
      const token = world.tokens.find(form['refresh_token'] ?? '', 'refresh')
      if (!token || token.clientId !== app.clientId || world.tokens.state(token) !== 'valid')
        throw refuse('invalid_grant')
      // A confidential client keeps its refresh token until the seven days are over.
      return issueAccess(world, world.accounts.find(token.account)!, app, token.scopes, token.value)
    }
    case 'client_credentials':
      return machine(world, form)
    default:
      throw refuse('unsupported_grant_type')
  }
}

function machine(world: World, form: Readonly<Record<string, string>>): Record<string, unknown> {
  const text = form['client_assertion'] ?? ''
  const app = world.accounts.app('netsuite', claimedIssuer(text))
  if (form['client_assertion_type'] !== assertionType || !app) throw refuse('invalid_request')
  // The audience is the token endpoint of one account; its host names it, here its query or the only account.
  let account: Account | undefined
  const assertion = checkAssertion(
    text,
    app,
    (audience) => {
      account = accountOf(world, audience)
      return account !== undefined
    },
    world.now(),
  )
  if (!assertion || !account) throw refuse('invalid_grant')
  return issueAccess(world, account, app, assertion.scopes, undefined)
}

// https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token, or the sandbox's own with the
// account before it or as ?account=.
function accountOf(world: World, audience: string): Account | undefined {
  if (!URL.canParse(audience)) return undefined
  const url = new URL(audience)
  const [domain = '', ...rest] = url.pathname.split(`${base}/token`)
  if (rest.join('') !== '' || !/^(?:\/[\w-]+)?$/.test(domain)) return undefined
  const named = /^([\w-]+)\.suitetalk\.api\.netsuite\.com$/.exec(url.hostname)?.[1]
  const own = domain === '' ? url.searchParams.get('account') : domain.slice(1)
  const id = named ?? (url.origin === world.origin() ? own : null)
  const account = id === null ? undefined : world.accounts.find(id)
  return account?.connector === 'netsuite' ? account : undefined
}

function issueAccess(
  world: World,
  account: Account,
  app: RegisteredApp,
  scopes: readonly string[],
  parent: string | undefined,
): Record<string, unknown> {
  const lifetimeMs = accessTokenLifetimeMs(account)
  const token = world.tokens.issue(
    { kind: 'access', account, app, scopes, lifetimeMs, ...(parent === undefined ? {} : { parent }) },
    (letters) => `eyJ.access.${letters}`,
  )
  return { access_token: token.value, expires_in: String(Math.floor(lifetimeMs / 1000)), token_type: 'bearer' }
}
